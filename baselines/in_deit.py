"""Sparsifiner, Combiner and ClusterFormer in DeiT's trunk with its class token. Loads no torch.

Sparsifiner is published so. Combiner and ClusterFormer are published without a vision model; this
is the trunk that AnchorFormer's other rows have. The mechanisms have a file each.
"""

from collections.abc import Mapping

from attnbench.models.presets import DEIT
from attnbench.registry import Entry
from baselines.rivals import MECHANISMS

SIZES: Mapping[str, tuple[str, ...]] = {
    "sparsifiner": ("t", "s", "b"),
    "combiner": ("t",),
    "clusterformer": ("t",),
}

MODELS: tuple[Entry, ...] = tuple(
    Entry(
        kind="model",
        name=f"{row.name}-deit-{size}",
        target="attnbench.models.vit:VisionTransformer",
        family="plain",
        summary=f"DeiT's trunk with `{row.name}` attention",
        paper=row.paper,
        link=row.link,
        options={"attention": row.name, "class_token": True, **DEIT[size]},
    )
    for row in MECHANISMS
    for size in SIZES.get(row.name, ())
)

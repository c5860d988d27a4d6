"""Castling-ViT: its attention alone, in the trunk of DeiT, and in detectors.

Only the attention has been released, without trunks, detectors or weights. The authors' other
trunks (LeViT, MViTv2) cannot be built from what they describe. The detectors are reconstructions:
they have the construction that AnchorFormer reports for its own, an ESNet whose last stage is made
of attention, in the sizes that come nearest to the printed budgets.
"""

from collections.abc import Mapping
from typing import Any

from attnbench.models.presets import DEIT, PICODET
from attnbench.registry import Entry
from baselines.system import Source, System

_SOURCE = Source(
    paper="You et al. 2023, Castling-ViT",
    link="https://arxiv.org/abs/2211.10526",
    code="https://github.com/GATECH-EIC/Castling-ViT",
    licence="Apache-2.0",
)
_INSIDE = {"attention": "castling"}
HEAD_WIDTH = 64
"""As in its classifiers."""

SYSTEMS = tuple(
    System(
        name=f"castling-deit-{size}",
        family="linear",
        source=_SOURCE,
        summary="DeiT with `castling` attention",
        target="attnbench.models.vit:VisionTransformer",
        options={**_INSIDE, "class_token": True, **options},
    )
    for size, options in DEIT.items()
)

_DETECTORS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "s": ("l", {"attention_dim": 192, "attention_depth": 2}),
    "m": ("m", {"attention_dim": 256, "attention_depth": 8, "mlp_ratio": 2.0}),
    "l": ("s", {"attention_dim": 384, "attention_depth": 8, "mlp_ratio": 3.0}),
}
"""The size of PicoDet and what stands in the last stage of its trunk, in heads of 64 channels.

Fitted to table 2 of AnchorFormer (3.3 M / 1.1 G at 320 px, 6.0 M / 2.0 G and 13.1 M / 5.3 G at
416 px). No convention fits all: S and M are read as multiply-accumulates, L as two operations for
each of them."""

ENTRIES = (
    Entry(
        kind="attention",
        name="castling",
        target="baselines.castling_attention:CastlingAttention",
        family="linear",
        cost="O(n)",
        paper=_SOURCE.paper,
        link=_SOURCE.link,
        summary="N(V / 2 + Q̂ (K̂ᵀ V) / π) + conv(V), hats and N = at length 1",
    ),
    *(
        Entry(
            kind="model",
            name=f"castling-det-{size}",
            target="attnbench.tasks.detection.picodet.model:create_picodet",
            family="esnet",
            task="detection",
            summary="PicoDet with `castling` attention; a reconstruction",
            paper=_SOURCE.paper,
            link=_SOURCE.link,
            options={
                **PICODET[trunk],
                **_INSIDE,
                "backbone_options": {**last_stage, "head_width": HEAD_WIDTH},
            },
        )
        for size, (trunk, last_stage) in _DETECTORS.items()
    ),
)

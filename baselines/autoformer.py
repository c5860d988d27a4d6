"""AutoFormer-T, S and B, built from this project's own parts; timm does not have them.

The model is in `autoformer_model.py`, its attention in `autoformer_attention.py`.
"""

from attnbench.registry import Entry
from baselines.system import Source, System

_SOURCE = Source(
    paper="Chen et al. 2021, AutoFormer",
    link="https://arxiv.org/abs/2107.00651",
    code="https://github.com/microsoft/Cream",
    licence="MIT",
)
_SIZES = {
    "t": {
        "dim": 192,
        "heads": (3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 3, 3),
        "mlp_ratios": (3.5, 3.5, 3.0, 3.5, 3.0, 3.0, 4.0, 4.0, 3.5, 4.0, 3.5, 4.0, 3.5),
    },
    "s": {
        "dim": 384,
        "heads": (6, 6, 5, 7, 5, 5, 5, 6, 6, 7, 7, 6, 7),
        "mlp_ratios": (3.0, 3.5, 3.0, 3.5, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 3.5, 4.0),
    },
    "b": {
        "dim": 576,
        "heads": (9, 9, 9, 9, 9, 10, 9, 9, 10, 9, 10, 9, 9, 10),
        "mlp_ratios": (3.5, 3.5, 4.0, 3.5, 4.0, 3.5, 3.5, 3.0, 4.0, 4.0, 3.0, 4.0, 3.0, 3.5),
    },
}
"""Heads and MLP ratio of each block, as the search found them."""

SYSTEMS = tuple(
    System(
        name=f"autoformer-{size}",
        family="dense",
        source=_SOURCE,
        summary="AutoFormer rebuilt from `autoformer` attention",
        target="baselines.autoformer_model:AutoFormer",
        options=options,
    )
    for size, options in _SIZES.items()
)

ENTRIES = (
    Entry(
        kind="attention",
        name="autoformer",
        target="baselines.autoformer_attention:AutoFormerAttention",
        family="dense",
        cost="O(n²)",
        paper=_SOURCE.paper,
        link=_SOURCE.link,
        summary="softmax(Q (K + R)ᵀ / √d) (V + S), R and S learned by rows and columns apart",
    ),
)

"""BiFormer-T, S and B, and their attention; built from this project's own parts, timm has none.

The mechanism is in `biformer_attention.py`, the model in `biformer_model.py`.
"""

from attnbench.registry import Entry, SweepOption
from baselines.system import Source, System

_SOURCE = Source(
    paper="Zhu et al. 2023, BiFormer",
    link="https://arxiv.org/abs/2303.08810",
    code="https://github.com/rayleizhu/BiFormer",
    licence="MIT",
)
_SIZES = {
    "t": {"dims": (64, 128, 256, 512), "depths": (2, 2, 8, 2)},
    "s": {"dims": (64, 128, 256, 512), "depths": (4, 4, 18, 4)},
    "b": {"dims": (96, 192, 384, 768), "depths": (4, 4, 18, 4)},
}

SYSTEMS = tuple(
    System(
        name=f"biformer-{size}",
        family="routed",
        source=_SOURCE,
        summary="BiFormer rebuilt from `biformer` attention",
        target="baselines.biformer_model:BiFormer",
        options=options,
    )
    for size, options in _SIZES.items()
)

ENTRIES = (
    Entry(
        kind="attention",
        name="biformer",
        target="baselines.biformer_attention:BiLevelAttention",
        family="routed",
        cost="O(n² k / S²)",
        paper=_SOURCE.paper,
        link=_SOURCE.link,
        summary="softmax(Q K_Rᵀ / √C) V_R + conv(V), R = the k of S × S regions that each chooses",
        sweepable=(SweepOption(name="topk", default=4),),
    ),
)

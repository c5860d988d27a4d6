"""CSWin-T, S and B, and their attention; built from this project's own parts, timm has none.

The mechanism is in `cswin_attention.py`, the model in `cswin_model.py`.
"""

from attnbench.registry import Entry, SweepOption
from baselines.system import Source, System

_SOURCE = Source(
    paper="Dong et al. 2022, CSWin",
    link="https://arxiv.org/abs/2107.00652",
    code="https://github.com/microsoft/CSWin-Transformer",
    licence="MIT",
)
_SIZES = {
    "t": {"dim": 64, "depths": (1, 2, 21, 1)},
    "s": {"dim": 64, "depths": (2, 4, 32, 2)},
    "b": {"dim": 96, "depths": (2, 4, 32, 2), "head_width": 24},
}

SYSTEMS = tuple(
    System(
        name=f"cswin-{size}",
        family="cross",
        source=_SOURCE,
        summary="CSWin rebuilt from `cswin` attention",
        target="baselines.cswin_model:CSwin",
        options=options,
    )
    for size, options in _SIZES.items()
)

ENTRIES = (
    Entry(
        kind="attention",
        name="cswin",
        target="baselines.cswin_attention:CrossWindowAttention",
        family="cross",
        cost="O(n s √n)",
        paper=_SOURCE.paper,
        link=_SOURCE.link,
        summary="softmax(Q Kᵀ / √d) V + conv(V), half of the heads in s columns, half in s rows",
        sweepable=(SweepOption(name="stripe_width", default=7),),
    ),
)

"""Slide-Transformers, and their attention, built from this project's own parts.

The mechanism is in `slide_attention.py`, the models in `slide_model.py`. AnchorFormer's rows T and
S have the sizes of PVTs, its row B that of a Swin. The authors' repository has no licence, so all
was written from the publication and from published sizes.
"""

from collections.abc import Mapping
from typing import Any

from attnbench.registry import Entry
from baselines.system import NO_LICENCE, Source, System

_SOURCE = Source(
    paper="Pan et al. 2023, Slide-Transformer",
    link="https://arxiv.org/abs/2304.04237",
    code="https://github.com/LeapLabTHU/Slide-Transformer",
    licence=NO_LICENCE,
)
_SWIN_B = {"dim": 128, "depths": (2, 2, 18, 2)}
_SIZES: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "t": ("PVT-T", "SlidePvt", {"depths": (2, 2, 2, 2)}),
    "s": ("PVT-S", "SlidePvt", {"depths": (3, 4, 6, 3)}),
    "b": ("Swin-B as released,", "SlideSwin", _SWIN_B),
    "b-w7": ("Swin-B as published,", "PublishedSlideSwin", _SWIN_B),
}
"""Trunk, class and options."""

SYSTEMS = tuple(
    System(
        name=f"slideformer-{size}",
        family="slide",
        source=_SOURCE,
        summary=f"{trunk} with `slide` attention in its first two stages",
        target=f"baselines.slide_model:{target}",
        options=options,
    )
    for size, (trunk, target, options) in _SIZES.items()
)

ENTRIES = (
    Entry(
        kind="attention",
        name="slide",
        target="baselines.slide_attention:SlideAttention",
        family="slide",
        cost="O(n)",
        paper=_SOURCE.paper,
        link=_SOURCE.link,
        summary="softmax(q · (K_o + b_o)) V_o over 3 × 3 shifts o by depthwise convolutions",
    ),
)

"""The table of models: each family in its sizes, classes by import string. Loads no torch."""

from collections.abc import Mapping
from typing import Any

from attnbench.models.presets import DEIT, PYRAMID
from attnbench.registry import Entry

_VIT = "attnbench.models.vit:VisionTransformer"
_PYRAMID = "attnbench.models.pyramid:Pyramid"
_ANCHORFORMER = {"paper": "AnchorFormer 2025", "link": "https://arxiv.org/abs/2505.16463"}
_DEIT = {"paper": "Touvron et al. 2021, DeiT", "link": "https://arxiv.org/abs/2012.12877"}


def _sized(
    prefix: str,
    family: str,
    summary: str,
    options: Mapping[str, Any],
    source: Mapping[str, str],
) -> tuple[Entry, ...]:
    """One row for each size of the trunk."""
    target, presets = (_VIT, DEIT) if family == "plain" else (_PYRAMID, PYRAMID)
    return tuple(
        Entry(
            kind="model",
            name=f"{prefix}-{size}",
            target=target,
            family=family,
            summary=summary,
            options={**options, **sizes},
            paper=source.get("paper", ""),
            link=source.get("link", ""),
        )
        for size, sizes in presets.items()
    )


def _segmenters(
    prefix: str, options: Mapping[str, Any], source: Mapping[str, str]
) -> tuple[Entry, ...]:
    """Semantic-FPN over the pyramid, one row for each size."""
    return tuple(
        Entry(
            kind="model",
            name=f"{prefix}-{size}",
            target="attnbench.tasks.segmentation.models:create_segmenter",
            family="pyramid",
            summary=f"Semantic-FPN over pyramid-{size}",
            options={"backbone": f"pyramid-{size}", "head": "semantic-fpn", **options},
            task="segmentation",
            paper=source.get("paper", ""),
            link=source.get("link", ""),
        )
        for size in PYRAMID
    )


MODELS: tuple[Entry, ...] = (
    *_sized(
        "anchorformer",
        "pyramid",
        "pyramid with anchor attention, fitted to the paper's printed budget",
        {"attention": "anchor"},
        _ANCHORFORMER,
    ),
    *_sized(
        "anchor-deit",
        "plain",
        "DeiT trunk with anchor attention, as in the authors' code",
        {"attention": "anchor", "class_token": True, "distillation_token": True},
        _ANCHORFORMER,
    ),
    *_sized(
        "deit",
        "plain",
        "DeiT with a class token",
        {"attention": "dense", "class_token": True},
        _DEIT,
    ),
    *_sized(
        "pyramid",
        "pyramid",
        "the trunk of anchorformer with any attention (--attention, dense if not said)",
        {},
        {},
    ),
    *_sized(
        "vit",
        "plain",
        "the trunk of DeiT with mean pooling and any attention (--attention)",
        {},
        {},
    ),
    *_segmenters("anchorformer-seg", {"attention": "anchor"}, _ANCHORFORMER),
    *_segmenters("pyramid-seg", {}, {}),
)

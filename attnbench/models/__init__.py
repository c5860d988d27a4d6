"""The table of models: each family in its sizes, classes by import string. Loads no torch."""

from collections.abc import Mapping
from typing import Any

from attnbench.models.presets import ANCHOR_DETECTORS, DEIT, ESNET, PICODET, PYRAMID, SEGMENTERS
from attnbench.registry import Entry

_VIT = "attnbench.models.vit:VisionTransformer"
_PYRAMID = "attnbench.models.pyramid:Pyramid"
_ANCHORFORMER = {"paper": "AnchorFormer 2025", "link": "https://arxiv.org/abs/2505.16463"}
_PICODET = {"paper": "Yu et al. 2021, PicoDet", "link": "https://arxiv.org/abs/2111.00902"}
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


def _esnets() -> tuple[Entry, ...]:
    return tuple(
        Entry(
            kind="model", name=f"esnet-{size}", target="attnbench.models.esnet:ESNet",
            family="esnet", options=options, paper=_PICODET["paper"], link=_PICODET["link"],
            summary="PicoDet's convolutional trunk; --attention makes its last stage of attention",
        )
        for size, options in ESNET.items()
    )  # fmt: skip


def _picodets() -> tuple[Entry, ...]:
    """PicoDet in its published sizes, and with attention in the last stage of its trunk."""
    target = "attnbench.tasks.detection.picodet.model:create_picodet"
    plain = tuple(
        Entry(
            kind="model", name=f"picodet-{size}", target=target, family="esnet", task="detection",
            summary=f"PicoDet over esnet-{size}", options=options,
            paper=_PICODET["paper"], link=_PICODET["link"],
        )
        for size, options in PICODET.items()
    )  # fmt: skip
    with_anchors = tuple(
        Entry(
            kind="model", name=f"anchorformer-det-{size}", target=target, family="esnet",
            task="detection", options={**options, "attention": "anchor"},
            paper=_ANCHORFORMER["paper"], link=_ANCHORFORMER["link"],
            summary="PicoDet with anchor attention, fitted to the paper's printed budget",
        )
        for size, options in ANCHOR_DETECTORS.items()
    )  # fmt: skip
    return plain + with_anchors


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
            options={"backbone": f"pyramid-{size}", **sizes, **options},
            task="segmentation",
            paper=source.get("paper", ""),
            link=source.get("link", ""),
        )
        for size, sizes in SEGMENTERS.items()
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
    *_esnets(),
    *_picodets(),
)

"""Models by name: one line each, sizes in `presets`, classes by import string (no torch here)."""

from attnbench.models.presets import DEIT, PYRAMID
from attnbench.registry import Entry

_VIT = "attnbench.models.vit:VisionTransformer"
_PYRAMID = "attnbench.models.pyramid:Pyramid"
_ANCHORFORMER_PAPER = "AnchorFormer 2025"
_ANCHORFORMER_LINK = "https://arxiv.org/abs/2505.16463"
_DEIT_PAPER = "Touvron et al. 2021, DeiT"
_DEIT_LINK = "https://arxiv.org/abs/2012.12877"

MODELS: tuple[Entry, ...] = (
    *(
        Entry(
            kind="model",
            name=f"anchorformer-{size}",
            target=_PYRAMID,
            family="pyramid",
            summary="pyramid with anchor attention, fitted to the paper's printed budget",
            paper=_ANCHORFORMER_PAPER,
            link=_ANCHORFORMER_LINK,
            options={"attention": "anchor", **sizes},
        )
        for size, sizes in PYRAMID.items()
    ),
    *(
        Entry(
            kind="model",
            name=f"anchor-deit-{size}",
            target=_VIT,
            family="plain",
            summary="DeiT trunk with anchor attention, as in the authors' code",
            paper=_ANCHORFORMER_PAPER,
            link=_ANCHORFORMER_LINK,
            options={
                "attention": "anchor",
                "class_token": True,
                "distillation_token": True,
                **sizes,
            },
        )
        for size, sizes in DEIT.items()
    ),
    *(
        Entry(
            kind="model",
            name=f"deit-{size}",
            target=_VIT,
            family="plain",
            summary="DeiT with a class token",
            paper=_DEIT_PAPER,
            link=_DEIT_LINK,
            options={"attention": "dense", "class_token": True, **sizes},
        )
        for size, sizes in DEIT.items()
    ),
    *(
        Entry(
            kind="model",
            name=f"pyramid-{size}",
            target=_PYRAMID,
            family="pyramid",
            summary="the trunk of anchorformer with any attention (--attention, dense if not said)",
            options=sizes,
        )
        for size, sizes in PYRAMID.items()
    ),
    *(
        Entry(
            kind="model",
            name=f"vit-{size}",
            target=_VIT,
            family="plain",
            summary="the trunk of DeiT with mean pooling and any attention (--attention)",
            options=sizes,
        )
        for size, sizes in DEIT.items()
    ),
)

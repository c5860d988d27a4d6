"""Models of timm (https://github.com/huggingface/pytorch-image-models, Apache-2.0) as baselines."""

from __future__ import annotations

from torch import nn

SIZE_FREE = ("pvt_v2",)
"""Families without position embeddings: they take images of any size, and no `img_size`."""


def create_timm_model(
    num_classes: int, img_size: int | tuple[int, int], *, timm_name: str
) -> nn.Module:
    """Build one of timm's models with fresh weights, for images of `img_size` pixels."""
    import timm

    sized = {} if timm_name.startswith(SIZE_FREE) else {"img_size": img_size}
    return timm.create_model(timm_name, pretrained=False, num_classes=num_classes, **sized)

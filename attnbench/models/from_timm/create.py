"""A model of timm by name: a classifier, or without classes a backbone."""

from __future__ import annotations

from torch import nn

from attnbench.models.from_timm.adapter import TimmBackbone
from attnbench.models.from_timm.build import ImageSize, build


def create_timm_model(
    num_classes: int = 1000, img_size: ImageSize = 224, *, timm_name: str
) -> nn.Module:
    """Build the model; with 0 classes it is a backbone (see `models/backbone.py`).

    Args:
        num_classes: logits.
        img_size: pixels, side or (height, width).
        timm_name: as timm spells it, with or without a tag.

    Raises:
        UserError: the model does not work at this size.
    """
    if num_classes:
        return build(timm_name, img_size, num_classes=num_classes)
    return TimmBackbone(timm_name, img_size)

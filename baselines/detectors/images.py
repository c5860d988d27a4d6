"""Pictures of any size for networks whose maps must fit together."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def filled_up(images: Tensor, multiple: int) -> Tensor:
    """Pictures with sides of a multiple, filled with zeros at the right and at the bottom.

    So a pixel keeps its place, and boxes need no change.
    """
    height, width = images.shape[-2:]
    right, bottom = -width % multiple, -height % multiple
    return F.pad(images, (0, right, 0, bottom)) if right or bottom else images

"""What the segmentation heads share."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F


class ConvNormReLU(nn.Sequential):
    """A convolution without bias that keeps the size, BatchNorm, and ReLU."""

    def __init__(self, in_channels: int, channels: int, kernel: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, channels, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )


def resized(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Maps (batch, channels, …) bilinearly enlarged or reduced to (height, width)."""
    if maps.shape[-2:] == tuple(size):
        return maps
    return F.interpolate(maps, size=tuple(size), mode="bilinear", align_corners=False)

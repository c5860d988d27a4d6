"""The blocks of YOLOX and YOLOv5 (Ge et al. 2021, arXiv 2107.08430; their published layer tables).

Rebuilt from published layer tables; no code or weights of Ultralytics.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NORM_EPS = 1e-3
NORM_MOMENTUM = 0.03
POOL = 5


def conv(
    in_channels: int, channels: int, kernel: int = 1, stride: int = 1, *,
    padding: int | None = None, groups: int = 1,
) -> nn.Sequential:  # fmt: skip
    """A convolution without bias, BatchNorm and SiLU.

    Fresh weights are He's. With torch's, pictures would not change the scores of an untrained model
    in evaluation: each layer would shrink its input, and no norm would have learned that.
    """
    padding = (kernel - 1) // 2 if padding is None else padding
    layer = nn.Conv2d(in_channels, channels, kernel, stride, padding, groups=groups, bias=False)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    norm = nn.BatchNorm2d(channels, eps=NORM_EPS, momentum=NORM_MOMENTUM)
    return nn.Sequential(layer, norm, nn.SiLU(inplace=True))


def conv3(in_channels: int, channels: int, stride: int = 1, *, separable: bool) -> nn.Sequential:
    """A 3 × 3 convolution; a separable one is depthwise and then 1 × 1, each with its norm."""
    if not separable:
        return conv(in_channels, channels, 3, stride)
    return nn.Sequential(
        conv(in_channels, in_channels, 3, stride, groups=in_channels), conv(in_channels, channels)
    )


class Bottleneck(nn.Module):
    """A 1 × 1 and a 3 × 3 convolution, and the identity if `add`."""

    def __init__(self, channels: int, *, add: bool, separable: bool) -> None:
        super().__init__()
        self.add = add
        self.layers = nn.Sequential(
            conv(channels, channels), conv3(channels, channels, separable=separable)
        )

    def forward(self, x: Tensor) -> Tensor:
        """The shape stays."""
        return x + self.layers(x) if self.add else self.layers(x)


class C3(nn.Module):
    """Half of the channels pass bottlenecks, half do not; a 1 × 1 convolution joins them."""

    def __init__(
        self, in_channels: int, channels: int, depth: int, *, add: bool, separable: bool
    ) -> None:
        super().__init__()
        half = channels // 2
        self.main = conv(in_channels, half)
        self.short = conv(in_channels, half)
        self.blocks = nn.Sequential(
            *(Bottleneck(half, add=add, separable=separable) for _ in range(depth))
        )
        self.join = conv(2 * half, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        return self.join(torch.cat([self.blocks(self.main(x)), self.short(x)], dim=1))


class SpatialPooling(nn.Module):
    """The map beside its maxima over squares of 5, 9 and 13 cells.

    Two pools of 5 in a row are one of 9, three are one of 13; so this is both YOLOX's SPP and
    YOLOv5's SPPF.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.main = conv(channels, channels // 2)
        self.join = conv(4 * (channels // 2), channels)

    def forward(self, x: Tensor) -> Tensor:
        """The shape stays."""
        maps = [self.main(x)]
        for _ in range(3):
            maps.append(F.max_pool2d(maps[-1], POOL, 1, POOL // 2))
        return self.join(torch.cat(maps, dim=1))


class SpaceToDepth(nn.Module):
    """Squares of 2 × 2 pixels become four times the channels."""

    def forward(self, images: Tensor) -> Tensor:
        """(batch, 4 · channels, height / 2, width / 2)."""
        return F.pixel_unshuffle(images, 2)

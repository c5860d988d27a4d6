"""The trunk of MobileDet for processors (Xiong et al. 2021, arXiv 2004.14525, figure 5).

Every convolution is followed by BatchNorm and hard-swish, but for the last one of a block. The
paper scales pictures to [-1, 1]; the suite normalises them as for all models.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from torch import Tensor, nn
from torchvision.ops import Conv2dNormActivation, SqueezeExcitation

Norm = Callable[[int], nn.Module]
STEM, FIRST = 16, 8
"""Channels of the first convolution and of the first block."""


class _Block(NamedTuple):
    channels: int
    expansion: int
    kernel: int = 3
    stride: int = 1
    add: bool = False


FINE = (
    _Block(16, 4, stride=2),
    _Block(32, 8, stride=2), *(_Block(32, 4, add=True) for _ in range(3)),
    _Block(72, 8, kernel=5, stride=2), _Block(72, 8, add=True), _Block(72, 4, kernel=5, add=True),
    _Block(72, 4, add=True), _Block(72, 8), *(_Block(72, 8, add=True) for _ in range(3)),
)  # fmt: skip
"""To stride 16."""
COARSE = (
    _Block(104, 8, kernel=5, stride=2), *(_Block(104, 4, kernel=5, add=True) for _ in range(2)),
    _Block(104, 4, add=True), _Block(144, 8),
)  # fmt: skip
"""To stride 32."""


def mobiledet_cpu(norm: Norm) -> tuple[nn.Module, nn.Module, tuple[int, int]]:
    """The layers to stride 16, those from there to stride 32, and the channels of both maps."""
    fine: list[nn.Module] = [_conv(norm)(3, STEM, 3, 2), _excited(STEM, FIRST, 3, 1, norm)]
    for block in FINE:
        fine.append(Inverted(_width(fine), block, norm))
    coarse: list[nn.Module] = []
    for block in COARSE:
        coarse.append(Inverted(_width(coarse or fine), block, norm))
    channels = (FINE[-1].channels, COARSE[-1].channels)
    return nn.Sequential(*fine), nn.Sequential(*coarse), channels


class Inverted(nn.Module):
    """An inverted bottleneck with squeeze and excitation."""

    def __init__(self, in_channels: int, block: _Block, norm: Norm) -> None:
        super().__init__()
        wide, self.out_channels, self.add = block.expansion * in_channels, block.channels, block.add
        self.layers = nn.Sequential(
            _conv(norm)(in_channels, wide, 1),
            _excited(wide, block.channels, block.kernel, block.stride, norm),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width)."""
        return x + self.layers(x) if self.add else self.layers(x)


def _excited(wide: int, channels: int, kernel: int, stride: int, norm: Norm) -> nn.Sequential:
    """Depthwise convolution, squeeze and excitation, and a 1 × 1 convolution without activation."""
    return nn.Sequential(
        _conv(norm)(wide, wide, kernel, stride, groups=wide),
        SqueezeExcitation(wide, _round8(wide / 4), nn.Hardswish, nn.Sigmoid),
        _conv(norm)(wide, channels, 1, activation_layer=None),
    )


def _conv(norm: Norm) -> Callable[..., nn.Module]:
    return partial(Conv2dNormActivation, norm_layer=norm, activation_layer=nn.Hardswish)


def _width(layers: list[nn.Module]) -> int:
    last = layers[-1]
    return last.out_channels if isinstance(last, Inverted) else FIRST


def _round8(channels: float) -> int:
    """The nearest multiple of 8, but not less than nine tenths."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded

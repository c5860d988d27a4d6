"""CSP-PAN: PicoDet's neck, which mixes maps of neighbouring strides down and up again.

Yu et al. 2021, arXiv 2111.00902, section 3.2. All maps have the same channels; a fourth one of
twice the last stride is added.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from attnbench.models.backbone import FeatureInfo
from attnbench.models.esnet import conv_norm

KERNEL = 5
MOST_MAPS = 3
"""Taken from the backbone, the coarsest ones."""


def separable(channels: int, stride: int = 1) -> nn.Sequential:
    """A depthwise 5 × 5 convolution, then a 1 × 1 one, each with BatchNorm and hard-swish."""
    return nn.Sequential(
        conv_norm(channels, channels, KERNEL, stride, groups=channels),
        conv_norm(channels, channels),
    )


class CSPLayer(nn.Module):
    """Two maps become one: half of the channels pass a bottleneck, half do not."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.main = conv_norm(2 * channels, half)
        self.short = conv_norm(2 * channels, half)
        self.bottleneck = nn.Sequential(conv_norm(half, half), separable(half))
        self.join = conv_norm(2 * half, channels)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """(batch, channels, height, width) from two maps of that shape."""
        both = torch.cat([one, other], dim=1)
        return self.join(torch.cat([self.bottleneck(self.main(both)), self.short(both)], dim=1))


class CSPPAN(nn.Module):
    """Maps of one width from those of a backbone."""

    def __init__(self, feature_info: Sequence[FeatureInfo], channels: int) -> None:
        """Build it for the coarsest three maps of a backbone, finest first."""
        super().__init__()
        infos = feature_info[-MOST_MAPS:]
        steps = len(infos) - 1
        self.strides = [info.stride for info in infos] + [2 * infos[-1].stride]
        self.laterals = nn.ModuleList(conv_norm(info.channels, channels) for info in infos)
        self.down = nn.ModuleList(CSPLayer(channels) for _ in range(steps))
        self.shrink = nn.ModuleList(separable(channels, 2) for _ in range(steps))
        self.up = nn.ModuleList(CSPLayer(channels) for _ in range(steps))
        self.extra_of_lateral = separable(channels, 2)
        self.extra_of_last = separable(channels, 2)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """One map more than it was given, of `strides`."""
        maps = maps[-len(self.laterals) :]
        laterals = [lateral(one) for lateral, one in zip(self.laterals, maps, strict=True)]
        finer = [laterals[-1]]
        for layer, lateral in zip(self.down, laterals[-2::-1], strict=True):
            large = F.interpolate(finer[0], size=lateral.shape[-2:], mode="nearest")
            finer.insert(0, layer(large, lateral))
        out = [finer[0]]
        for shrink, layer, one in zip(self.shrink, self.up, finer[1:], strict=True):
            out.append(layer(_fitted(shrink(out[-1]), one), one))
        extra = self.extra_of_lateral(laterals[-1]) + self.extra_of_last(out[-1])
        return [*out, extra]


def _fitted(small: Tensor, like: Tensor) -> Tensor:
    """Cut or repeat the border where a stage of the backbone rounds its size another way."""
    if small.shape[-2:] == like.shape[-2:]:
        return small
    return F.interpolate(small, size=like.shape[-2:], mode="nearest")

"""The trunk and the neck that YOLOX and YOLOv5 share.

Rebuilt from published layer tables; no code or weights of Ultralytics.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from baselines.detectors.images import filled_up
from baselines.detectors.yolo.blocks import C3, SpatialPooling, conv, conv3

STRIDES = (8, 16, 32)
WIDTHS = (64, 128, 256, 512, 1024)
"""Channels at the strides 2, 4, 8, 16 and 32 of a model of width 1."""
DEPTHS = (1, 2, 3, 1)
"""Bottlenecks at the strides 4, 8, 16 and 32; the named models have a third of the full depth."""
YOLOX_DEPTHS = (1, 3, 3, 1)


def scaled(width: float) -> list[int]:
    """Channels at the strides 2 to 32."""
    return [int(channels * width) for channels in WIDTHS]


class Trunk(nn.Module):
    """Maps at the strides 8, 16 and 32."""

    def __init__(
        self, stem: nn.Module, widths: Sequence[int], depths: Sequence[int], *, separable: bool,
        pool_first: bool,
    ) -> None:  # fmt: skip
        """Build it.

        Args:
            stem: makes the map of stride 2.
            widths: channels at the strides 2 to 32.
            depths: bottlenecks at the strides 4 to 32.
            separable: make 3 × 3 convolutions depthwise and 1 × 1.
            pool_first: whether the last stage pools before its bottlenecks, which then add nothing
                (YOLOX), or after them (YOLOv5).
        """
        super().__init__()
        self.stem = stem
        stages = []
        for number, depth in enumerate(depths):
            here, channels = widths[number], widths[number + 1]
            last = number == len(depths) - 1
            layers: list[nn.Module] = [
                C3(channels, channels, depth, add=not (last and pool_first), separable=separable)
            ]
            if last:
                layers.insert(0 if pool_first else 1, SpatialPooling(channels))
            stages.append(nn.Sequential(conv3(here, channels, 2, separable=separable), *layers))
        self.stages = nn.ModuleList(stages)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Finest first; sides that are no multiple of 32 are filled up."""
        x = self.stem(filled_up(images, STRIDES[-1]))
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps[-len(STRIDES) :]


class Neck(nn.Module):
    """Mixes the three maps downwards and upwards; their shapes stay."""

    def __init__(self, widths: Sequence[int], depth: int, *, separable: bool) -> None:
        """Build it for maps of these channels, finest first."""
        super().__init__()

        def mix(in_channels: int, channels: int) -> C3:
            return C3(in_channels, channels, depth, add=False, separable=separable)

        fine, middle, coarse = widths
        self.narrow = nn.ModuleList([conv(coarse, middle), conv(middle, fine)])
        self.down = nn.ModuleList([mix(2 * middle, middle), mix(2 * fine, fine)])
        self.shrink = nn.ModuleList(
            conv3(channels, channels, 2, separable=separable) for channels in (fine, middle)
        )
        self.up = nn.ModuleList([mix(2 * fine, middle), mix(2 * middle, coarse)])

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Finest first."""
        fine, middle, x = maps
        laterals = []
        for narrow, mix, finer in zip(self.narrow, self.down, (middle, fine), strict=True):
            laterals.append(narrow(x))
            larger = F.interpolate(laterals[-1], scale_factor=2.0, mode="nearest")
            x = mix(torch.cat([larger, finer], dim=1))
        out = [x]
        for shrink, mix, lateral in zip(self.shrink, self.up, laterals[::-1], strict=True):
            out.append(mix(torch.cat([shrink(out[-1]), lateral], dim=1)))
        return out

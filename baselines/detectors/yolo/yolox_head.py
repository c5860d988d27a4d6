"""YOLOX's head, and what it says of the cells (Ge et al. 2021, arXiv 2107.08430, section 2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import torch
from torch import Tensor, nn

from attnbench.tasks.detection.picodet.head import centres_of
from baselines.detectors.yolo.blocks import conv, conv3
from baselines.detectors.yolo.trunk import STRIDES

WIDTH = 256
"""Channels of a head of width 1."""
DEPTH = 2
"""Convolutions of each branch."""
PRIOR = 0.01
"""Score of every class, and of every object, before training."""
BOX = 4
LONGEST = 10.0
"""The largest logarithm of a side in strides; above it `exp` would soon be infinite."""


class YoloxHead(nn.Module):
    """Own weights for each level; classes and boxes have a branch each."""

    def __init__(
        self, widths: Sequence[int], num_classes: int, channels: int, *, separable: bool
    ) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            _Level(width, num_classes, channels, separable=separable) for width in widths
        )

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """(batch, 4 + 1 + classes, height, width) of each level: box, object, classes."""
        return [level(one) for level, one in zip(self.levels, maps, strict=True)]


class _Level(nn.Module):
    def __init__(self, width: int, num_classes: int, channels: int, *, separable: bool) -> None:
        super().__init__()

        def branch() -> nn.Sequential:
            layers = (conv3(channels, channels, separable=separable) for _ in range(DEPTH))
            return nn.Sequential(*layers)

        self.narrow = conv(width, channels)
        self.class_branch, self.box_branch = branch(), branch()
        self.classes = nn.Conv2d(channels, num_classes, 1)
        self.box = nn.Conv2d(channels, BOX, 1)
        self.object = nn.Conv2d(channels, 1, 1)
        for layer in (self.classes, self.object):
            assert layer.bias is not None
            nn.init.constant_(layer.bias, log(PRIOR / (1 - PRIOR)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.narrow(x)
        of_box = self.box_branch(x)
        classes = self.classes(self.class_branch(x))
        return torch.cat([self.box(of_box), self.object(of_box), classes], dim=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """What the head says of all cells of all levels, in float32."""

    boxes: Tensor
    """(batch, cells, 4) in pixels: x1, y1, x2, y2."""
    objects: Tensor
    """Logits (batch, cells) of there being an object."""
    classes: Tensor
    """Logits (batch, cells, classes)."""
    centres: Tensor
    """x, y of each cell in pixels, (cells, 2)."""
    strides: Tensor
    """Pixels a cell, (cells,)."""


def cells_of(levels: Sequence[Tensor]) -> Cells:
    """Join and decode the levels of the head's outputs, finest first."""
    joined = torch.cat([level.float().flatten(2) for level in levels], dim=2).transpose(1, 2)
    places = [centres_of(one, stride) for one, stride in zip(levels, STRIDES, strict=True)]
    centres = torch.cat(places)
    strides = torch.cat(
        [joined.new_full((len(one),), stride) for one, stride in zip(places, STRIDES, strict=True)]
    )
    # A box is told from the upper left corner of its cell, in strides.
    step = strides[:, None]
    middle = centres - step / 2 + joined[..., :2] * step
    half = joined[..., 2:BOX].clamp(max=LONGEST).exp() * step / 2
    return Cells(
        boxes=torch.cat([middle - half, middle + half], dim=-1),
        objects=joined[..., BOX], classes=joined[..., BOX + 1 :], centres=centres, strides=strides,
    )  # fmt: skip

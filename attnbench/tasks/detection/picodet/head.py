"""PicoDet's head: for each cell the scores of the classes and the distances to four sides.

Each distance is a distribution over 8 bins, 0 to 7 strides (generalised focal loss, Li et al. 2020,
arXiv 2006.04388).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import torch
from torch import Tensor, nn

from attnbench.tasks.detection.picodet.csp_pan import separable

BINS = 8
"""Of the distribution of a distance: 0, 1, … 7 strides."""
PRIOR = 0.01
"""Score of every class before training."""


class PicoHead(nn.Module):
    """Own weights for each level; both branches share their convolutions."""

    def __init__(self, num_levels: int, num_classes: int, channels: int, depth: int) -> None:
        super().__init__()
        self.towers = nn.ModuleList(
            nn.Sequential(*(separable(channels) for _ in range(depth))) for _ in range(num_levels)
        )
        self.outputs = nn.ModuleList(_output(channels, num_classes) for _ in range(num_levels))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Logits of classes and bins (batch, classes + 4 · bins, height, width) of each level."""
        levels = zip(self.towers, self.outputs, maps, strict=True)
        return [output(tower(one)) for tower, output, one in levels]


def _output(channels: int, num_classes: int) -> nn.Conv2d:
    layer = nn.Conv2d(channels, num_classes + 4 * BINS, 1)
    nn.init.normal_(layer.weight, std=0.01)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    nn.init.constant_(layer.bias[:num_classes], log(PRIOR / (1 - PRIOR)))
    return layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """What the head says of all cells of all levels, in float32."""

    classes: Tensor
    """Logits (batch, cells, classes)."""
    bins: Tensor
    """Logits (batch, cells, 4, bins) of the distances to left, top, right and bottom."""
    centres: Tensor
    """x, y of each cell in pixels, (cells, 2)."""
    strides: Tensor
    """Pixels a cell, (cells,)."""

    @property
    def boxes(self) -> Tensor:
        """The expected boxes (batch, cells, 4) in pixels: x1, y1, x2, y2."""
        steps = torch.arange(BINS, device=self.bins.device, dtype=self.bins.dtype)
        away = (self.bins.softmax(-1) @ steps) * self.strides[:, None]
        return torch.cat([self.centres - away[..., :2], self.centres + away[..., 2:]], dim=-1)


def cells_of(levels: Sequence[Tensor], strides: Sequence[int], num_classes: int) -> Cells:
    """Join the levels of the head's outputs, finest first."""
    joined = torch.cat([level.float().flatten(2) for level in levels], dim=2).transpose(1, 2)
    classes, bins = joined.split([num_classes, 4 * BINS], dim=2)
    places = [centres_of(level, stride) for level, stride in zip(levels, strides, strict=True)]
    sizes = torch.tensor([len(one) for one in places])
    return Cells(
        classes=classes, bins=bins.unflatten(2, (4, BINS)), centres=torch.cat(places),
        strides=torch.tensor(strides).repeat_interleave(sizes).to(joined),
    )  # fmt: skip


def centres_of(level: Tensor, stride: int) -> Tensor:
    """x, y of the cells of one level, row by row, (cells, 2) in pixels."""
    height, width = level.shape[-2:]
    across, down = (torch.arange(side, device=level.device) + 0.5 for side in (width, height))
    rows, columns = torch.meshgrid(down, across, indexing="ij")
    return stride * torch.stack([columns, rows], dim=-1).flatten(0, 1)

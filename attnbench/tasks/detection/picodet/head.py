"""PicoDet's head: for each cell the scores of the classes and the distances to four sides.

Each distance is a distribution over 8 bins, 0 to 7 strides (generalised focal loss, Li et al. 2020,
arXiv 2006.04388).
"""

from __future__ import annotations

from collections.abc import Sequence
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
        self.num_classes = num_classes
        self.towers = nn.ModuleList(
            nn.Sequential(*(separable(channels) for _ in range(depth))) for _ in range(num_levels)
        )
        self.outputs = nn.ModuleList(
            nn.Conv2d(channels, num_classes + 4 * BINS, 1) for _ in range(num_levels)
        )
        for layer in self.outputs:
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
            nn.init.constant_(layer.bias[:num_classes], log(PRIOR / (1 - PRIOR)))

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Class logits (batch, cells, classes) and bin logits (batch, cells, 4, bins)."""
        levels = zip(self.towers, self.outputs, maps, strict=True)
        raw = [output(tower(one)).flatten(2) for tower, output, one in levels]
        cells = torch.cat(raw, dim=2).transpose(1, 2)
        classes, sides = cells.split([self.num_classes, 4 * BINS], dim=2)
        return classes, sides.unflatten(2, (4, BINS))

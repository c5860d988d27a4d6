"""The anchors of SSDLite: six for each cell, but three on the finest map.

Liu et al. 2016, arXiv 1512.02325, section 2.2; Sandler et al. 2018, arXiv 1801.04381, section 6.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import torch
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList

LEAST, MOST = 0.2, 0.95
"""Scales of the first and the last map, in sides of the picture."""
FINEST = 0.1
"""Scale of the square on the first map."""
RATIOS = (2.0, 3.0)
"""Of the sides; each stands for a wide and a high anchor."""

Sides = list[tuple[float, float]]
"""Width and height of each anchor of a cell, in those of the picture."""


def sides_of_levels(levels: int) -> list[Sides]:
    """The anchors of each map, finest first."""
    scales = [LEAST + (MOST - LEAST) * level / (levels - 1) for level in range(levels)] + [1.0]
    first = [(FINEST, FINEST), *_pair(scales[0], RATIOS[0])]
    return [first, *(_six(scales[i], scales[i + 1]) for i in range(1, levels))]


def _six(scale: float, following: float) -> Sides:
    between = sqrt(scale * following)
    pairs = [side for ratio in RATIOS for side in _pair(scale, ratio)]
    return [(scale, scale), (between, between), *pairs]


def _pair(scale: float, ratio: float) -> Sides:
    long, short = scale * sqrt(ratio), scale / sqrt(ratio)
    return [(long, short), (short, long)]


class GridAnchors(nn.Module):
    """Anchors in the middle of each cell, in the form that torchvision's SSD asks for."""

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.sides = sides_of_levels(levels)

    def num_anchors_per_location(self) -> list[int]:
        """Anchors of a cell of each map."""
        return [len(one) for one in self.sides]

    def forward(self, images: ImageList, maps: Sequence[Tensor]) -> list[Tensor]:
        """Boxes (anchors, 4) in pixels for each picture; all anchors of a cell come in a row."""
        height, width = images.tensors.shape[-2:]
        levels = [_boxes(one, sides) for one, sides in zip(maps, self.sides, strict=True)]
        boxes = torch.cat(levels)
        return [boxes * boxes.new_tensor([width, height, width, height])] * len(images.image_sizes)


def _boxes(one: Tensor, sides: Sides) -> Tensor:
    """The boxes of one map, in sides of the picture."""
    rows, columns = one.shape[-2:]
    down, across = (
        (torch.arange(count, device=one.device) + 0.5) / count for count in (rows, columns)
    )
    y, x = torch.meshgrid(down, across, indexing="ij")
    middle = torch.stack([x, y], dim=-1).view(-1, 1, 2)
    half = torch.tensor(sides, device=one.device).clamp(max=1) / 2
    return torch.cat([middle - half, middle + half], dim=-1).flatten(0, 1)

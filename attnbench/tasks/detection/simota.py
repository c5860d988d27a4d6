"""What the forms of SimOTA share: which cells learn which object, by costs and overlaps.

Ge et al. 2021, arXiv 2107.08430, section 2.1. An object takes as many cells as the sum of its ten
best overlaps says, the cheapest ones. A cell that several objects want goes to the one for which it
is cheapest. What a cell costs, and which cells are candidates, differs between detectors.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from attnbench.tasks.detection.padding import Padded, contains

MOST = 10
"""The most cells of an object."""
NEVER = float("inf")
"""Cost of a cell that is no candidate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """The object of each cell."""

    positive: Tensor
    """bool (batch, cells): whether the cell has an object."""
    matched: Tensor
    """int64 (batch, cells): which one; 0 where it has none."""
    ignored: Tensor
    """bool (batch, cells): in a region of a crowd, and without an object."""


def assigned(costs: Tensor, overlaps: Tensor, objects: Padded, centres: Tensor) -> Assignment:
    """The object of each cell.

    Args:
        costs: of each object and cell, (batch, objects, cells); `NEVER` where it is no candidate.
        overlaps: of object and predicted box, of the same shape; 0 where it is no candidate.
        objects: those of the batch.
        centres: x, y of each cell in pixels, (cells, 2).
    """
    wanted = _cheapest(costs, overlaps)
    positive = wanted.any(1)
    crowded = (contains(objects.boxes, centres) & objects.crowd[..., None]).any(1)
    return Assignment(
        positive=positive,
        matched=costs.masked_fill(~wanted, NEVER).argmin(1) * positive,
        ignored=crowded & ~positive,
    )


def near(boxes: Tensor, centres: Tensor, reach: Tensor) -> Tensor:
    """Whether each cell lies in a square around each object's centre: (batch, objects, cells).

    Args:
        boxes: (batch, objects, 4).
        centres: x, y of each cell in pixels, (cells, 2).
        reach: half of the side of the square in pixels, (cells,).
    """
    middle = (boxes[..., :2] + boxes[..., 2:]) / 2
    return (centres - middle[..., None, :]).abs().amax(-1) < reach


def _cheapest(costs: Tensor, overlaps: Tensor) -> Tensor:
    """The cheapest cells of each object, as many as its overlaps say: bool like the costs."""
    most = min(MOST, costs.shape[2])
    number = overlaps.topk(most, dim=2).values.sum(2).int().clamp(min=1)
    cheap, places = costs.topk(most, dim=2, largest=False)
    rank = torch.arange(most, device=costs.device)
    taken = (rank < number[..., None]) & cheap.isfinite()
    return torch.zeros_like(costs, dtype=torch.bool).scatter(2, places, taken)

"""SimOTA: which cells learn which object, chosen by the present predictions.

Ge et al. 2021, arXiv 2103.08430, section 2; the costs are PicoDet's (arXiv 2111.00902, section
3.3). An object takes as many cells as the sum of its ten best overlaps says, the cheapest ones. A
cell that several objects want goes to the one for which it is cheapest.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from attnbench.tasks.detection.overlaps import generalised_overlap, overlap
from attnbench.tasks.detection.padding import Padded, contains
from attnbench.tasks.detection.picodet.head import Cells
from attnbench.tasks.detection.picodet.varifocal import varifocal

REACH = 2.5
"""Half of the side of the square around an object's centre, in strides of the cell."""
MOST = 10
"""The most cells of an object."""
OVERLAP_WEIGHT = 6.0
OUTSIDE = 1e8
"""Cost of a cell that is not both in the box and near its centre."""
NEVER = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """The object of each cell."""

    positive: Tensor
    """bool (batch, cells): whether the cell has an object."""
    matched: Tensor
    """int64 (batch, cells): which one; 0 where it has none."""
    ignored: Tensor
    """bool (batch, cells): in a region of a crowd, and without an object."""


@torch.no_grad()
def assign(cells: Cells, objects: Padded) -> Assignment:
    """Assign the objects of a batch to cells."""
    inside, near = contains(objects.boxes, cells.centres), _near(objects.boxes, cells)
    allowed = (inside | near) & objects.real[..., None]
    costs, overlaps = _costs(cells, objects)
    costs = (costs + OUTSIDE * ~(inside & near)).masked_fill(~allowed, NEVER)
    wanted = _cheapest(costs, overlaps * allowed)
    positive = wanted.any(1)
    return Assignment(
        positive=positive,
        matched=costs.masked_fill(~wanted, NEVER).argmin(1) * positive,
        ignored=(inside & objects.crowd[..., None]).any(1) & ~positive,
    )


def _near(boxes: Tensor, cells: Cells) -> Tensor:
    """Whether each cell lies in the square around each object's centre: (batch, objects, cells)."""
    middle = (boxes[..., :2] + boxes[..., 2:]) / 2
    away = (cells.centres - middle[..., None, :]).abs().amax(-1)
    return away < REACH * cells.strides


def _costs(cells: Cells, objects: Padded) -> tuple[Tensor, Tensor]:
    """Cost and overlap of each object with each cell, (batch, objects, cells).

    The cost of the scores is the varifocal loss over all classes, as if the cell had this object:
    that of no object, but for the object's own class.
    """
    boxes, theirs = objects.boxes[:, :, None], cells.boxes[:, None]
    overlaps = overlap(boxes, theirs)
    nothing = varifocal(cells.classes, torch.zeros_like(cells.classes))
    labels = objects.labels[:, None].expand(-1, cells.classes.shape[1], -1)
    own, of_nothing = (one.gather(2, labels).mT for one in (cells.classes, nothing))
    scores = nothing.sum(2)[:, None] - of_nothing + varifocal(own, overlaps)
    return scores + OVERLAP_WEIGHT * (1 - generalised_overlap(boxes, theirs)), overlaps


def _cheapest(costs: Tensor, overlaps: Tensor) -> Tensor:
    """The cheapest cells of each object, as many as its overlaps say: bool like the costs."""
    most = min(MOST, costs.shape[2])
    number = overlaps.topk(most, dim=2).values.sum(2).int().clamp(min=1)
    cheap, places = costs.topk(most, dim=2, largest=False)
    rank = torch.arange(most, device=costs.device)
    taken = (rank < number[..., None]) & cheap.isfinite()
    return torch.zeros_like(costs, dtype=torch.bool).scatter(2, places, taken)

"""SimOTA with the costs of YOLOX: which cells learn which object (arXiv 2107.08430, section 2.1).

Cells near the centre of any object are candidates. An object takes as many of them as the sum of
its ten best overlaps says, the cheapest ones. A cell that several objects want goes to the one for
which it is cheapest. The paper's candidates are the cells in a box or within 2.5 strides of its
centre; the published code takes those within 1.5 strides, and so does this.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from attnbench.tasks.detection.overlaps import overlap
from attnbench.tasks.detection.padding import Padded, contains
from baselines.detectors.yolo.yolox_head import Cells

REACH = 1.5
"""Half of the side of the square around an object's centre, in strides of the cell."""
MOST = 10
"""The most cells of an object."""
OVERLAP_WEIGHT = 3.0
OUTSIDE = 1e6
"""Cost of a cell that is near the centre of another object only."""
NEVER = float("inf")
TINY = 1e-8
"""Added to an overlap before its logarithm is taken."""


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
    near = _near(objects.boxes, cells) & objects.real[..., None]
    candidates = near.any(1, keepdim=True) & objects.real[..., None]
    overlaps = overlap(objects.boxes[:, :, None], cells.boxes[:, None]) * candidates
    costs = _cost_of_scores(cells, objects) - OVERLAP_WEIGHT * (overlaps + TINY).log()
    costs = (costs + OUTSIDE * ~near).masked_fill(~candidates, NEVER)
    wanted = _cheapest(costs, overlaps)
    positive = wanted.any(1)
    inside = contains(objects.boxes, cells.centres) & objects.crowd[..., None]
    return Assignment(
        positive=positive,
        matched=costs.masked_fill(~wanted, NEVER).argmin(1) * positive,
        ignored=inside.any(1) & ~positive,
    )


def _near(boxes: Tensor, cells: Cells) -> Tensor:
    """Whether each cell lies in the square around each object's centre: (batch, objects, cells)."""
    middle = (boxes[..., :2] + boxes[..., 2:]) / 2
    away = (cells.centres - middle[..., None, :]).abs().amax(-1)
    return away < REACH * cells.strides


def _cost_of_scores(cells: Cells, objects: Padded) -> Tensor:
    """Cross-entropy over all classes, as if each cell had each object: (batch, objects, cells).

    It is that of no object, but for the object's own class. The score is the geometric mean of the
    class's and the object's.
    """
    scores = (F.logsigmoid(cells.classes) + F.logsigmoid(cells.objects)[..., None]).div(2)
    eps = torch.finfo(scores.dtype).eps
    nothing = -torch.log1p(-scores.exp().clamp(max=1 - eps))
    labels = objects.labels[:, None].expand(-1, scores.shape[1], -1)
    own, of_nothing = (one.gather(2, labels).mT for one in (scores, nothing))
    return nothing.sum(2)[:, None] - of_nothing - own


def _cheapest(costs: Tensor, overlaps: Tensor) -> Tensor:
    """The cheapest cells of each object, as many as its overlaps say: bool like the costs."""
    most = min(MOST, costs.shape[2])
    number = overlaps.topk(most, dim=2).values.sum(2).int().clamp(min=1)
    cheap, places = costs.topk(most, dim=2, largest=False)
    rank = torch.arange(most, device=costs.device)
    taken = (rank < number[..., None]) & cheap.isfinite()
    return torch.zeros_like(costs, dtype=torch.bool).scatter(2, places, taken)

"""SimOTA: which cells learn which object, chosen by the present predictions.

Ge et al. 2021, arXiv 2103.08430, section 2; the costs are PicoDet's (arXiv 2111.00902, section
3.3). An object takes as many cells as the sum of its ten best overlaps says, the cheapest ones. A
cell that several objects want goes to the one for which it is cheapest.
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnbench.tasks.detection.overlaps import generalised_overlap, overlap
from attnbench.tasks.detection.padding import Padded, contains
from attnbench.tasks.detection.picodet.head import Cells
from attnbench.tasks.detection.picodet.varifocal import varifocal
from attnbench.tasks.detection.simota import NEVER, Assignment, assigned, near

REACH = 2.5
"""Half of the side of the square around an object's centre, in strides of the cell."""
OVERLAP_WEIGHT = 6.0
OUTSIDE = 1e8
"""Cost of a cell that is not both in the box and near its centre."""


@torch.no_grad()
def assign(cells: Cells, objects: Padded) -> Assignment:
    """Assign the objects of a batch to cells."""
    inside = contains(objects.boxes, cells.centres)
    central = near(objects.boxes, cells.centres, REACH * cells.strides)
    allowed = (inside | central) & objects.real[..., None]
    costs, overlaps = _costs(cells, objects)
    costs = (costs + OUTSIDE * ~(inside & central)).masked_fill(~allowed, NEVER)
    return assigned(costs, overlaps * allowed, objects, cells.centres)


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

"""SimOTA with the costs of YOLOX: which cells learn which object (arXiv 2107.08430, section 2.1).

Cells near the centre of any object are candidates. The paper's candidates are the cells in a box
or within 2.5 strides of its centre; the published code takes those within 1.5 strides, and so does
this.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from attnbench.tasks.detection.overlaps import overlap
from attnbench.tasks.detection.padding import Padded
from attnbench.tasks.detection.simota import NEVER, Assignment, assigned, near
from baselines.detectors.yolo.yolox_head import Cells

REACH = 1.5
"""Half of the side of the square around an object's centre, in strides of the cell."""
OVERLAP_WEIGHT = 3.0
OUTSIDE = 1e6
"""Cost of a cell that is near the centre of another object only."""
TINY = 1e-8
"""Added to an overlap before its logarithm is taken."""


@torch.no_grad()
def assign(cells: Cells, objects: Padded) -> Assignment:
    """Assign the objects of a batch to cells."""
    real = objects.real[..., None]
    central = near(objects.boxes, cells.centres, REACH * cells.strides) & real
    candidates = central.any(1, keepdim=True) & real
    overlaps = overlap(objects.boxes[:, :, None], cells.boxes[:, None]) * candidates
    costs = _cost_of_scores(cells, objects) - OVERLAP_WEIGHT * (overlaps + TINY).log()
    costs = (costs + OUTSIDE * ~central).masked_fill(~candidates, NEVER)
    return assigned(costs, overlaps, objects, cells.centres)


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

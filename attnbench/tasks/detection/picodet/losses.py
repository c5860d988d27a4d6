"""The loss of PicoDet: scores, boxes, and distributions of distances (arXiv 2111.00902)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from attnbench.tasks.detection.overlaps import generalised_overlap, overlap
from attnbench.tasks.detection.padding import Padded
from attnbench.tasks.detection.picodet.assignment import assign
from attnbench.tasks.detection.picodet.head import BINS, Cells
from attnbench.tasks.detection.picodet.varifocal import varifocal
from attnbench.tasks.whole_batch import divisor

BOX_WEIGHT = 2.0
DISTRIBUTION_WEIGHT = 0.25
LONGEST = BINS - 1 - 0.01
"""Longest distance in strides that the bins can say, a little below the last one."""


def picodet_loss(cells: Cells, objects: Padded) -> Tensor:
    """The loss of a batch, a scalar; finite without objects, too.

    Scores count by the number of cells with an object; boxes by the present best score of their
    cell, so that confident cells count more.
    """
    found = assign(cells, objects)
    boxes = cells.boxes
    picture, cell = found.positive.nonzero(as_tuple=True)
    which = found.matched[picture, cell]
    truth, labels = objects.boxes[picture, which], objects.labels[picture, which]
    own = boxes[picture, cell]
    target = torch.zeros_like(cells.classes)
    target[picture, cell, labels] = overlap(own.detach(), truth)
    scores = (varifocal(cells.classes, target) * ~found.ignored[..., None]).sum()
    weight = cells.classes[picture, cell].detach().sigmoid().amax(1, keepdim=True)
    of_boxes = (weight[:, 0] * (1 - generalised_overlap(own, truth))).sum()
    sides = _distances(truth, cells.centres[cell], cells.strides[cell])
    of_bins = (weight * _distribution(cells.bins[picture, cell], sides)).sum() / 4
    located = BOX_WEIGHT * of_boxes + DISTRIBUTION_WEIGHT * of_bins
    return scores / divisor(len(cell)) + located / divisor(weight.sum(), least=1e-6)


def _distances(boxes: Tensor, centres: Tensor, strides: Tensor) -> Tensor:
    """From centres to the four sides in strides, within what the bins can say: (cells, 4)."""
    away = torch.cat([centres - boxes[:, :2], boxes[:, 2:] - centres], dim=1)
    return (away / strides[:, None]).clamp(0, LONGEST)


def _distribution(bins: Tensor, distances: Tensor) -> Tensor:
    """Distribution focal loss (arXiv 2006.04388, eq. 6): both neighbouring bins, by nearness.

    Args:
        bins: logits (cells, 4, bins).
        distances: in bins, (cells, 4).
    """
    low = distances.long()
    chances = F.log_softmax(bins, dim=2)
    near, far = (chances.gather(2, one[..., None])[..., 0] for one in (low, low + 1))
    return -(near * (low + 1 - distances) + far * (distances - low))

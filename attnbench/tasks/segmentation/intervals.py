"""95 % intervals of segmentation scores by bootstrap over pictures.

The confusion matrices of the pictures that were drawn are added up (`tasks/bootstrap.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from attnbench.tasks.bootstrap import middle, times_drawn
from attnbench.tasks.segmentation.metric import accuracy_of, iou_of

DRAWS = 1000


def intervals_of(pictures: Sequence[Tensor]) -> Mapping[str, tuple[float, float]]:
    """The middle 95 % of mIoU and mAcc over resampled sets.

    Nothing for a single picture, nor where no pixel is known.

    Args:
        pictures: confusion matrix of each picture, int64 (classes, classes).
    """
    if len(pictures) < 2:
        return {}
    matrices = torch.stack(list(pictures)).double()
    times = torch.from_numpy(times_drawn(len(pictures), DRAWS)).double()
    totals = torch.einsum("dp,pij->dij", times, matrices)
    totals = totals[totals.sum((1, 2)) > 0]  # pictures without known pixels may be drawn alone
    if not len(totals):
        return {}
    scores = {"miou": iou_of(totals).nanmean(-1), "macc": accuracy_of(totals).nanmean(-1)}
    return {name: middle(values.numpy()) for name, values in scores.items()}

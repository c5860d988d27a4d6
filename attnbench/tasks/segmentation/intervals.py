"""95 % intervals of segmentation scores by bootstrap over pictures.

Pictures are drawn with replacement, as many as there are; their confusion matrices are added up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from attnbench.tasks.segmentation.metric import accuracy_of, iou_of

DRAWS = 1000
SEED = 0
"""Equal predictions have equal intervals."""


def intervals_of(pictures: Sequence[Tensor]) -> Mapping[str, tuple[float, float]]:
    """The middle 95 % of mIoU and mAcc over resampled sets; nothing for a single picture.

    Args:
        pictures: confusion matrix of each picture, int64 (classes, classes).
    """
    if len(pictures) < 2:
        return {}
    generator = torch.Generator().manual_seed(SEED)
    drawn = torch.randint(len(pictures), (DRAWS, len(pictures)), generator=generator)
    times = torch.stack([torch.bincount(row, minlength=len(pictures)) for row in drawn]).double()
    totals = torch.einsum("dp,pij->dij", times, torch.stack(list(pictures)).double())
    scores = {"miou": iou_of(totals).nanmean(-1), "macc": accuracy_of(totals).nanmean(-1)}
    return {name: _middle(values) for name, values in scores.items()}


def _middle(values: Tensor) -> tuple[float, float]:
    low, high = torch.quantile(values, torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return low, high

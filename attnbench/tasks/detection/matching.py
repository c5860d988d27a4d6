"""Which detections find an object: COCO's rule, for each picture by itself.

COCO's evaluator does the same inside, but gives no picture's part in it. Curves and the bootstrap
need that part: a resampled set is then only a matter of weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attnbench.scoring.precision import THRESHOLDS, Flags, Floats, Matches
from attnbench.tasks.detection.pictures import Picture, overlaps

_LIMITS = np.minimum(THRESHOLDS, 1 - 1e-10)
"""As COCO has them: an IoU of 1 less a rounding error is 1."""
MOST = 100
"""Detections of one class that count in a picture."""


def matches_of_class(pictures: Sequence[Picture], label: int) -> Matches:
    """Pair detections and objects of one class in each picture."""
    scores, owner, right, wrong = [], [], [], []
    for index, picture in enumerate(pictures):
        mine = np.flatnonzero(picture.found_labels == label)[:MOST]
        there = picture.labels == label
        found = overlaps(picture.found[mine], picture.boxes[there], picture.crowd[there])
        hit = _taken(found[:, ~picture.crowd[there]])
        inside = found[:, picture.crowd[there]].max(axis=1, initial=0.0)
        scores.append(picture.scores[mine])
        owner.append(np.full(len(mine), index))
        right.append(hit)
        wrong.append(~hit & (inside[None] < _LIMITS[:, None]))
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return Matches(
        scores=np.concatenate(scores)[order],
        pictures=np.concatenate(owner)[order],
        right=np.concatenate(right, axis=1)[:, order],
        wrong=np.concatenate(wrong, axis=1)[:, order],
        objects=np.array([np.sum((one.labels == label) & ~one.crowd) for one in pictures]),
    )


def _taken(found: Floats) -> Flags:
    """Whether each detection takes an object, at each threshold: (10, detections).

    In the order of the scores each takes the free object that it overlaps most; of equal ones the
    last.
    """
    count, objects = found.shape
    hit = np.zeros((len(_LIMITS), count), dtype=np.bool_)
    free = np.ones((len(_LIMITS), objects), dtype=np.bool_)
    rows = np.arange(len(_LIMITS))
    for one in np.flatnonzero(found.max(axis=1, initial=0.0) >= _LIMITS[0]):
        reach = np.where(free, found[one], -1.0)
        best = objects - 1 - reach[:, ::-1].argmax(axis=1)
        hit[:, one] = reach[rows, best] >= _LIMITS
        free[rows[hit[:, one]], best[hit[:, one]]] = False
    return hit

"""Which class was taken for which, with the background as one more class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attnbench.records import BoxConfusion
from attnbench.tasks.detection.pictures import Integers, Picture, overlaps

LEAST_SCORE = 0.25
LEAST_OVERLAP = 0.5


def confusion_of(pictures: Sequence[Picture], class_names: Sequence[str]) -> BoxConfusion:
    """Pair detections of a score of at least 0.25 with objects of any class.

    In the order of the scores each takes the free object that it overlaps most, from IoU 0.5 on.
    What is left inside of a crowd is not counted.
    """
    background = len(class_names)
    counts = np.zeros((background + 1, background + 1), dtype=np.int64)
    for picture in pictures:
        np.add.at(counts, _pairs(picture, background), 1)
    return BoxConfusion(
        class_names=tuple(class_names),
        counts=tuple(map(tuple, counts.tolist())),
        least_score=LEAST_SCORE,
        least_overlap=LEAST_OVERLAP,
    )


def errors_in(picture: Picture, num_classes: int) -> int:
    """Objects and detections of a picture that have no partner, or one of another class."""
    rows, columns = _pairs(picture, num_classes)
    return int((rows != columns).sum())


def _pairs(picture: Picture, background: int) -> tuple[Integers, Integers]:
    """True and predicted class of each pair, and of what has no partner."""
    kept = picture.scores >= LEAST_SCORE
    labels = picture.found_labels[kept]
    shared = overlaps(picture.found[kept], picture.boxes, picture.crowd)
    objects, crowds = shared[:, ~picture.crowd], shared[:, picture.crowd]
    true = picture.labels[~picture.crowd]
    free = np.ones(len(true), dtype=np.bool_)
    rows, columns = [], []
    for one in range(len(labels)):
        reach = np.where(free, objects[one], -1.0)
        best = int(reach.argmax()) if len(reach) else -1
        if best >= 0 and reach[best] >= LEAST_OVERLAP:
            free[best] = False
            rows.append(true[best])
        elif crowds[one].max(initial=0.0) >= LEAST_OVERLAP:
            continue
        else:
            rows.append(background)
        columns.append(labels[one])
    missed = true[free]
    return (
        np.array([*rows, *missed], dtype=np.int64),
        np.array([*columns, *[background] * len(missed)], dtype=np.int64),
    )

"""Precision against recall of each class, for drawing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attnbench.records import PrecisionRecall
from attnbench.scoring.precision import RECALLS, Matches, at_recalls
from attnbench.tasks.detection.matching import matches_of_class
from attnbench.tasks.detection.pictures import Picture


def curves_of(
    pictures: Sequence[Picture], class_names: Sequence[str]
) -> tuple[PrecisionRecall, ...]:
    """The curve of each class at IoU 0.5, of pictures in order."""
    return tuple(
        _curve(name, matches_of_class(pictures, label)) for label, name in enumerate(class_names)
    )


def _curve(name: str, matches: Matches) -> PrecisionRecall:
    objects = int(matches.objects.sum())
    if not objects:
        return PrecisionRecall(
            name=name, objects=0, ap50=None, recalls=(), precisions=(), scores=()
        )
    once = np.ones((1, len(matches.objects)), dtype=np.int64)
    precisions, places = at_recalls(once, matches, 0)
    scores = np.append(matches.scores[matches.right[0]], 0.0)
    return PrecisionRecall(
        name=name,
        objects=objects,
        ap50=float(precisions.mean()),
        recalls=tuple(RECALLS.tolist()),
        precisions=tuple(precisions[0].tolist()),
        scores=tuple(scores[places[0]].tolist()),
    )

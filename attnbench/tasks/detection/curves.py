"""Precision against recall from matches; pictures may count several times or not at all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attnbench.records import PrecisionRecall
from attnbench.tasks.detection.matching import Matches, matches_of_class
from attnbench.tasks.detection.pictures import Flags, Floats, Integers, Picture

RECALLS = np.linspace(0, 1, 101)


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


def at_recalls(times: Integers, matches: Matches, threshold: int) -> tuple[Floats, Integers]:
    """The best precision at which at least each of `RECALLS` is reached, 0 if it never is.

    Only detections that find an object need to be looked at: any other lowers the precision.

    Args:
        times: how often each picture counts, (draws, pictures); each draw has an object.
        matches: of one class.
        threshold: index into `THRESHOLDS`.

    Returns:
        Precisions (draws, 101), and the places among the detections that are right, counted from 0;
        one beyond the last where the recall is never reached.
    """
    right, wrong = matches.right[threshold], matches.wrong[threshold]
    hits = _summed(times, matches, right, right)
    misses = _summed(times, matches, wrong, right)
    precision = hits / np.maximum(hits + misses, 1)
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    best = np.concatenate([best, np.zeros((len(times), 1))], axis=1)
    recall = hits / (times @ matches.objects)[:, None]
    places = np.stack([np.searchsorted(row, RECALLS, side="left") for row in recall])
    return np.take_along_axis(best, places, axis=1), places


def _summed(times: Integers, matches: Matches, counted: Flags, at: Flags) -> Integers:
    """How many of `counted` there are up to each of `at`, (draws, at)."""
    return np.cumsum(times[:, matches.pictures] * counted, axis=1)[:, at]

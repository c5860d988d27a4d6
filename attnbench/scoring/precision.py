"""COCO's average precision from matched detections; pictures may count several times or never."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""IoU from which a detection finds an object."""
RECALLS = np.linspace(0, 1, 101)
MOST_NUMBERS = 4_000_000
"""Draws times detections that are handled at once: 32 MB for each of a few tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """All detections of one class, the highest score first; ties by picture, then as found."""

    scores: Floats
    pictures: Integers
    """Index of the picture of each."""
    right: Flags
    """Whether it finds an object, at each of `THRESHOLDS`: (10, detections)."""
    wrong: Flags
    """Whether it finds none; what lies inside of a crowd is neither."""
    objects: Integers
    """Objects of the class in each picture, crowds apart."""


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


def precision_of_draws(times: Integers, matches: Matches) -> Floats:
    """Average precision of one class, (draws, 10 IoU); NaN for a draw without its objects.

    Args:
        times: how often each picture counts, (draws, pictures).
        matches: of the class.
    """
    result = np.full((len(times), len(THRESHOLDS)), np.nan)
    (usable,) = np.nonzero(times @ matches.objects)
    at_once = max(1, MOST_NUMBERS // max(1, len(matches.scores)))
    for start in range(0, len(usable), at_once):
        rows = usable[start : start + at_once]
        for threshold in range(len(THRESHOLDS)):
            precisions, _ = at_recalls(times[rows], matches, threshold)
            result[rows, threshold] = precisions.mean(axis=1)
    return result


def scores_of_draws(times: Integers, classes: Sequence[Matches]) -> dict[str, Floats]:
    """AP and AP50 of each draw, (draws,); NaN for a draw without objects.

    Args:
        times: how often each picture counts, (draws, pictures).
        classes: the matches of each class; those without objects in a draw enter no mean.
    """
    each = np.stack([precision_of_draws(times, matches) for matches in classes], axis=-1)
    known = ~np.isnan(each[:, 0]).all(axis=1)
    found = {}
    for name, values in {"ap": each.mean(axis=1), "ap50": each[:, 0]}.items():
        found[name] = np.full(len(times), np.nan)
        found[name][known] = np.nanmean(values[known], axis=1)
    return found

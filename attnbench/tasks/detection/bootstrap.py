"""95 % intervals of AP and AP50 by bootstrap over pictures.

Detections and objects are paired within a picture, so they are paired once, and each drawn set is a
matter of weights (`tasks/bootstrap.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from attnbench.tasks.bootstrap import middle, times_drawn
from attnbench.tasks.detection.curves import at_recalls
from attnbench.tasks.detection.matching import THRESHOLDS, Matches, matches_of_class
from attnbench.tasks.detection.pictures import Floats, Integers, Picture

DRAWS = 400
MOST_NUMBERS = 4_000_000
"""Draws times detections that are handled at once: 32 MB for each of a few tables."""


def intervals_of(
    pictures: Sequence[Picture], num_classes: int
) -> Mapping[str, tuple[float, float]]:
    """The middle 95 % over resampled sets; nothing for a single picture or without objects.

    Args:
        pictures: in order.
        num_classes: classes to tell apart.
    """
    if len(pictures) < 2:
        return {}
    times = times_drawn(len(pictures), DRAWS)
    each = np.stack([
        precision_of_draws(times, matches_of_class(pictures, label))
        for label in range(num_classes)
    ], axis=-1)  # fmt: skip
    return _intervals({"ap": each.mean(axis=1), "ap50": each[:, 0]})


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


def _intervals(scores: Mapping[str, Floats]) -> dict[str, tuple[float, float]]:
    """The middle of the means over classes (draws, classes) that have objects in a draw."""
    found = {}
    for name, values in scores.items():
        usable = values[~np.isnan(values).all(axis=1)]
        if len(usable):
            found[name] = middle(np.nanmean(usable, axis=1))
    return found

"""The standard error of a score through the choice of the held-out images."""

from __future__ import annotations

from math import sqrt

from attnbench.analysis.interval import NORMAL
from attnbench.records import Scores

SHARES_OF_IMAGES = ("top1", "top5")
"""Scores that are means over images of what is right or wrong."""


def image_error(scores: Scores, name: str) -> float | None:
    """From the interval by bootstrap, or of a share of images from the share; None if unknown.

    Args:
        scores: of an evaluation.
        name: of the score.
    """
    if name in scores.intervals:
        low, high = scores.intervals[name]
        return (high - low) / (2 * NORMAL)
    share = scores.values.get(name)
    if share is None or name not in SHARES_OF_IMAGES:
        return None
    return sqrt(max(0.0, share * (1 - share)) / scores.count)

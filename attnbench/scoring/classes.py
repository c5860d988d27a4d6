"""What an accuracy hides: how well each class is found, mistakes, and how sure the model is.

All of it from the outcome of each image (`scoring.outcomes`, kind "classes").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attnbench.scoring.outcomes import Outcomes

BINS = 15
"""Of the calibration error, as in arXiv:1706.04599."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScore:
    """How well one class is found."""

    name: str
    images: int
    """Of this class."""
    accuracy: float | None
    """Share of these that are found to be of it; None without images."""
    precision: float | None
    """Share of those found to be of it that are; None if none are."""
    taken_for: str
    """The class that its images are most often taken for by mistake; "" if none are."""


def confusion(outcomes: Outcomes, classes: int) -> NDArray[np.int64]:
    """Images by true class (rows) and found class (columns): (classes, classes)."""
    truth, found = (outcomes.arrays[name].astype(np.int64) for name in ("truth", "found"))
    flat = np.bincount(truth * classes + found, minlength=classes * classes)
    return flat.reshape(classes, classes)


def class_scores(counts: NDArray[np.int64], names: tuple[str, ...]) -> list[ClassScore]:
    """The scores of each class, from the confusion of the classes."""
    wrong = counts - np.diag(np.diag(counts))
    return [
        ClassScore(
            name=name,
            images=int(counts[place].sum()),
            accuracy=_share(counts[place, place], counts[place].sum()),
            precision=_share(counts[place, place], counts[:, place].sum()),
            taken_for=names[wrong[place].argmax()] if wrong[place].any() else "",
        )
        for place, name in enumerate(names)
    ]


def calibration_error(outcomes: Outcomes) -> float:
    """The expected calibration error: how far confidence and accuracy lie apart, on average.

    Images are sorted into `BINS` equal ranges of confidence; the difference of each range counts by
    its share of the images. 0 is a model that is right as often as it is sure.
    """
    truth, found, confidence = (outcomes.arrays[n] for n in ("truth", "found", "confidence"))
    sure = confidence.astype(np.float64)
    bins = np.clip(np.ceil(sure * BINS).astype(np.int64) - 1, 0, BINS - 1)
    gaps = np.bincount(bins, weights=(truth == found) - sure, minlength=BINS)
    return float(np.abs(gaps).sum() / len(sure))


def _share(part: np.int64, whole: np.int64) -> float | None:
    return float(part / whole) if whole else None

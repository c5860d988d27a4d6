"""What a detector got right and wrong, class by class: the numbers behind two figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionRecall:
    """How many of a class's detections are right, and how many of its objects they reach."""

    name: str
    objects: int
    """Objects of the class, crowds apart; without any there is no curve."""
    ap50: float | None
    """The mean of `precisions`."""
    recalls: Sequence[float]
    """Shares of the objects, 0 to 1 in steps of 0.01."""
    precisions: Sequence[float]
    """The best precision at which at least that share is found; 0 where it never is."""
    scores: Sequence[float]
    """The score from which on detections count there; 0 where the share is never found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxConfusion:
    """Objects by true class and by the class of the detection that was paired with them."""

    class_names: Sequence[str]
    counts: Sequence[Sequence[int]]
    """Rows: true classes, and last the background. Columns: predicted classes, and last
    "not found". The last row counts detections where no object is."""
    least_score: float
    """Detections below it do not count."""
    least_overlap: float
    """IoU that pairs a detection with an object; each is paired once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxOutcome:
    """Both views of one evaluation."""

    pictures: int
    curves: Sequence[PrecisionRecall]
    confusion: BoxConfusion

"""A doubt: one reason to trust a number less, with its grade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Grade = Literal["A", "B", "C"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """One reason to trust a number less."""

    name: str
    grade: Grade
    text: str
    """The finding, with its number."""
    advice: str


def graded(value: float, thresholds: tuple[float, float]) -> Grade:
    """A up to the first threshold, B up to the second, C above."""
    return "C" if value > thresholds[1] else "B" if value > thresholds[0] else "A"

"""Which models are worth their cost: the ones that no other model beats at both.

A point is dominated if another costs no more and is no less accurate, and is better in one of the
two. Equal points do not dominate each other: both stay on the frontier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from statistics import fmean


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One model at its cost; several seeds are joined into their mean and their span."""

    name: str
    family: str
    cost: float
    accuracy: float
    """A share between 0 and 1."""
    lowest: float
    highest: float
    """Accuracy of the worst and the best seed."""
    seeds: int


def joined(name: str, family: str, costs: Sequence[float], accuracies: Sequence[float]) -> Point:
    """One point of several seeds of the same model under the same recipe."""
    return Point(
        name=name,
        family=family,
        cost=fmean(costs),
        accuracy=fmean(accuracies),
        lowest=min(accuracies),
        highest=max(accuracies),
        seeds=len(accuracies),
    )


def dominated(points: Sequence[Point]) -> list[bool]:
    """For each point whether another one dominates it.

    Raises:
        ValueError: a cost or an accuracy is not a number.
    """
    if any(isnan(point.cost) or isnan(point.accuracy) for point in points):
        raise ValueError("a point on the frontier needs a cost and an accuracy, both numbers")
    beaten = [False] * len(points)
    best_cheaper = float("-inf")
    best_here, cost_here = float("-inf"), float("nan")
    for index in sorted(range(len(points)), key=lambda i: (points[i].cost, -points[i].accuracy)):
        point = points[index]
        if point.cost != cost_here:
            # The first of its cost is the most accurate of it.
            best_cheaper = max(best_cheaper, best_here)
            best_here, cost_here = point.accuracy, point.cost
        beaten[index] = point.accuracy < best_here or point.accuracy <= best_cheaper
    return beaten

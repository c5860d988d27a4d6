"""The Pareto frontier: models that no other model beats in both score and cost.

A point is dominated if another costs no more, scores no worse, and is better in at least one of
the two. Equal points do not dominate each other, so both stay on the frontier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from statistics import fmean
from typing import Literal

from attnbench.analysis.interval import mean_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One model with its cost and score; several seeds are averaged."""

    name: str
    family: str
    attention: str
    cost: float
    score: float
    """Primary score of the task in base units, averaged over seeds."""
    interval: tuple[float, float] | None
    """95 % interval of the mean over the seeds; None with one seed."""
    seeds: int
    cost_interval: tuple[float, float] | None = None
    """95 % interval of a cost that was measured, not counted."""


def joined(
    name: str,
    family: str,
    attention: str,
    costs: Sequence[float],
    scores: Sequence[float],
    cost_bounds: Sequence[tuple[float, float]] = (),
) -> Point:
    """Average the seeds of one model under one recipe into a point.

    The interval of the cost is the mean of the ends of those of the seeds: the worst case.
    """
    mean = mean_of(scores)
    low, high = zip(*cost_bounds, strict=True) if cost_bounds else ((), ())
    return Point(
        name=name,
        family=family,
        attention=attention,
        cost=fmean(costs),
        score=mean.value,
        interval=mean.interval,
        seeds=len(scores),
        cost_interval=(fmean(low), fmean(high)) if cost_bounds else None,
    )


def dominated(points: Sequence[Point], better: Literal["lower", "higher"] = "higher") -> list[bool]:
    """Whether another point dominates each point; `better` is the direction of the score.

    Raises:
        ValueError: a cost or a score is not a number.
    """
    if any(isnan(point.cost) or isnan(point.score) for point in points):
        raise ValueError("a point on the frontier needs a cost and a score, both numbers")
    sign = 1 if better == "higher" else -1
    scores = [sign * point.score for point in points]
    beaten = [False] * len(points)
    best_cheaper = float("-inf")
    best_here, cost_here = float("-inf"), float("nan")
    for index in sorted(range(len(points)), key=lambda i: (points[i].cost, -scores[i])):
        if points[index].cost != cost_here:
            # Points are sorted, so the first of each cost has its best score.
            best_cheaper = max(best_cheaper, best_here)
            best_here, cost_here = scores[index], points[index].cost
        beaten[index] = scores[index] < best_here or scores[index] <= best_cheaper
    return beaten

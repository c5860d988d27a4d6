"""Which models are worth their cost: the ones that no other model beats in score and cost.

A point is dominated if another costs no more and scores no worse, and is better in one of the two.
Equal points do not dominate each other: both stay on the frontier.
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
    """One model at its cost; several seeds are joined into their mean."""

    name: str
    family: str
    attention: str
    cost: float
    score: float
    """The primary score of the task, in base units; the mean over the seeds."""
    interval: tuple[float, float] | None
    """95 % interval of the mean over the seeds; None with one seed."""
    seeds: int


def joined(
    name: str, family: str, attention: str, costs: Sequence[float], scores: Sequence[float]
) -> Point:
    """One point of several seeds of the same model under the same recipe."""
    mean = mean_of(scores)
    return Point(
        name=name,
        family=family,
        attention=attention,
        cost=fmean(costs),
        score=mean.value,
        interval=mean.interval,
        seeds=len(scores),
    )


def dominated(points: Sequence[Point], better: Literal["lower", "higher"] = "higher") -> list[bool]:
    """For each point whether another one dominates it; `better` is the direction of the score.

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
            # The first of its cost has the best score of it.
            best_cheaper = max(best_cheaper, best_here)
            best_here, cost_here = scores[index], points[index].cost
        beaten[index] = scores[index] < best_here or scores[index] <= best_cheaper
    return beaten

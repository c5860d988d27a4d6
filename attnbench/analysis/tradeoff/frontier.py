"""The Pareto frontier: models that no other model beats in both score and cost.

A point is dominated if another costs no more, scores no worse, and is better in at least one of
the two. Equal points do not dominate each other, so both stay on the frontier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from statistics import fmean, variance
from typing import Literal

from attnbench.analysis.interval import half_of


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
    """95 % interval of the mean, over seeds and over images; None with one seed."""
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
    image_errors: Sequence[float] = (),
) -> Point:
    """Average the seeds of one model under one recipe into a point.

    All seeds are judged on the same images, so the error through the choice of images does not
    shrink with their number. The interval of the cost is the mean of the ends of those of the
    seeds: the worst case.

    Args:
        name: of the model.
        family: of its attention.
        attention: inside.
        costs: of each seed.
        scores: of each seed.
        cost_bounds: the interval of each cost, if it was measured.
        image_errors: standard error of each score through the choice of images, where it is known.
    """
    low, high = zip(*cost_bounds, strict=True) if cost_bounds else ((), ())
    return Point(
        name=name,
        family=family,
        attention=attention,
        cost=fmean(costs),
        score=fmean(scores),
        interval=_interval(scores, image_errors),
        seeds=len(scores),
        cost_interval=(fmean(low), fmean(high)) if cost_bounds else None,
    )


def _interval(scores: Sequence[float], image_errors: Sequence[float]) -> tuple[float, float] | None:
    """Of the mean over seeds and images; None for one seed, which says nothing of others."""
    count = len(scores)
    if count < 2:
        return None
    of_images = fmean(error**2 for error in image_errors) if image_errors else 0.0
    half = half_of(((variance(scores) / count, count - 1), (of_images, None)))
    return fmean(scores) - half, fmean(scores) + half


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

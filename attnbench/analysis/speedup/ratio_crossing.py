"""Find where a ratio measured at a few sizes crosses 1, and an interval for the crossing.

Each size is decided if the whole interval of its ratio lies above 1 or below 1, and undecided
otherwise. A crossing lies between two neighbouring decided sizes on opposite sides of 1.

**Many sizes.** Of k sizes whose ratio is truly 1, each 95 % interval misses 1 in one case of
twenty, and something would be claimed in a third of runs over 8 sizes. So the intervals are widened
to a level of 1 - 0.05 / k each (Bonferroni): in at most 5 % of runs any of them misses its ratio.
The logarithm of each bound over the ratio is multiplied by the quotient of the two quantiles of
Student's t with 4 degrees of freedom. Those of the normal distribution would not do: intervals
from few or dependent samples have heavy tails. In simulations (10 to 100 samples a size; normal,
skewed and heavy-tailed; 4, 8 and 16 sizes) something is claimed in at most 2 % of runs.

| sides of the decided sizes, from smallest to largest | outcome |
|---|---|
| all above | ahead |
| all above, after an undecided size with a ratio below 1 | overtakes, lower end unknown |
| all below | behind |
| below, then above | overtakes |
| above, then below | falls behind |
| more than one change | several |
| no size is decided | level if the ratio is exactly 1 at every size, else cannot tell |
| fewer than two sizes may be used | not measured well enough |
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import exp, isnan, log
from typing import Literal, NamedTuple

from attnbench.records.median import student

Outcome = Literal[
    "overtakes", "ahead", "behind", "falls behind", "several", "level", "cannot tell",
    "not measured well enough",
]  # fmt: skip


LEAST_SIZES = 2
HEAVY_TAILS = 4
"""Degrees of freedom of Student's t, by which intervals are widened for many sizes."""


class Point(NamedTuple):
    """A ratio at one size with its 95 % interval: NaN if unknown, the ratio itself if exact."""

    tokens: float
    ratio: float
    low: float
    high: float
    is_exact: bool = False
    """Whether it is a ratio of counts."""

    @property
    def side(self) -> int:
        """1 if decided above 1, -1 if decided below, 0 if undecided."""
        return int(self.low > 1) - int(self.high < 1)  # comparisons with NaN are false

    @property
    def has_interval(self) -> bool:
        """Whether the interval is known."""
        return not (isnan(self.low) or isnan(self.high))


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A size at which the ratio passes 1."""

    tokens: float
    low: float | None
    """Lower end of the 95 % interval; None if it lies below the smallest size."""
    high: float
    between: tuple[float, float]
    """The two measured sizes around the value."""
    rises: bool
    """Whether the ratio goes from below 1 to above."""
    is_exact: bool
    """Whether it is a ratio of counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossings:
    """The outcome over all sizes, with the crossings found."""

    outcome: Outcome
    found: tuple[Crossing, ...]
    points: tuple[Point, ...]
    """Ascending in size."""
    left_out: tuple[float, ...] = ()
    """Sizes that are not measured well enough."""

    @property
    def starts_late(self) -> bool:
        """Whether sizes below the first point are not measured well enough."""
        return bool(self.points and self.left_out) and min(self.left_out) < self.points[0].tokens

    @property
    def undecided(self) -> tuple[Point, ...]:
        """The sizes after the last decided one; empty if no size is decided."""
        sure = [i for i, point in enumerate(self.points) if point.side]
        return self.points[sure[-1] + 1 :] if sure else ()

    @property
    def last_rise(self) -> Crossing | None:
        """The crossing after which the ratio stays above 1; None if it does not end above."""
        return self.found[-1] if self.found and self.found[-1].rises else None


def crossings(measured: Sequence[Point], left_out: Iterable[float] = ()) -> Crossings:
    """Find the crossings of a ratio at two or more sizes, in ascending order.

    The points of the outcome have the wider intervals that hold for all sizes at once.

    Args:
        measured: the ratios with their own 95 % intervals.
        left_out: sizes that are not measured well enough.
    """
    without = tuple(left_out)
    if len(measured) < LEAST_SIZES:
        return Crossings(
            outcome="not measured well enough", found=(), points=tuple(measured), left_out=without
        )
    points = at_once(measured)
    sure = [(i, side) for i, point in enumerate(points) if (side := point.side)]
    changes = [(i, j) for (i, side), (j, other) in pairwise(sure) if side != other]
    found = [_crossing(points, i, j) for i, j in changes]
    if sure and sure[0][1] > 0:
        found = _early(points, sure[0][0]) + found
    return Crossings(
        outcome=_outcome(points, found, [side for _, side in sure]),
        found=tuple(found),
        points=tuple(points),
        left_out=without,
    )


def at_once(points: Sequence[Point]) -> list[Point]:
    """The points with intervals that hold for all of them at once, in 95 % of cases."""
    if all(point.is_exact for point in points):
        return list(points)
    factor = _widening(sum(point.has_interval and not point.is_exact for point in points))
    return [point if point.is_exact else _widened(point, factor) for point in points]


@cache
def _widening(count: int) -> float:
    """How many times as wide an interval becomes that holds together with `count` - 1 others."""
    return student(1 - 0.05 / max(count, 1), HEAVY_TAILS) / student(0.95, HEAVY_TAILS)


def _widened(point: Point, factor: float) -> Point:
    return Point(
        tokens=point.tokens,
        ratio=point.ratio,
        low=point.ratio * (point.low / point.ratio) ** factor,
        high=point.ratio * (point.high / point.ratio) ** factor,
    )


def _outcome(points: Sequence[Point], found: Sequence[Crossing], sides: Sequence[int]) -> Outcome:
    if not sides:
        return "level" if all(p.is_exact for p in points) else "cannot tell"
    if len(found) > 1:
        return "several"
    if found:
        return "overtakes" if found[0].rises else "falls behind"
    return "ahead" if sides[0] > 0 else "behind"


def _crossing(points: Sequence[Point], i: int, j: int) -> Crossing:
    """The last crossing between the decided points i and j."""
    side = points[j].side
    last = max(k for k in range(i, j) if (points[k].ratio > 1) != (side > 0))
    before, after = points[last], points[last + 1]
    tokens = _where_one(before, after)
    exact = before.is_exact
    return Crossing(
        tokens=tokens,
        low=tokens if exact else points[i].tokens,
        high=tokens if exact else points[j].tokens,
        between=(before.tokens, after.tokens),
        rises=side > 0,
        is_exact=exact,
    )


def _early(points: Sequence[Point], first_sure: int) -> list[Crossing]:
    """A rise among the smallest, undecided sizes: the last of them with a ratio below 1."""
    below = [k for k in range(first_sure) if points[k].ratio < 1]
    if not below:
        return []
    before, after = points[below[-1]], points[below[-1] + 1]
    return [
        Crossing(
            tokens=_where_one(before, after),
            low=None,
            high=points[first_sure].tokens,
            between=(before.tokens, after.tokens),
            rises=True,
            is_exact=False,
        )
    ]


def _where_one(before: Point, after: Point) -> float:
    """The size where the log-log line between the points has a ratio of 1."""
    y0, y1 = log(before.ratio), log(after.ratio)
    x0, x1 = log(before.tokens), log(after.tokens)
    return exp(x0 - y0 * (x1 - x0) / (y1 - y0))

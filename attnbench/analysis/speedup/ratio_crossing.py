"""Where a ratio that was measured at a few sizes crosses 1, and how well that is known.

At each size the ratio lies above 1 for sure (its interval does), below 1 for sure, or neither.
Sizes that are neither are passed over: what counts is where one sure side gives way to the other.

- The **value** of a crossing is interpolated: log(ratio) against log(size) is taken as straight
  between the two measured sizes around it.
- Its **interval** assumes nothing of the kind: it reaches from the last size that is surely on
  one side to the first that is surely on the other. A finer grid of sizes narrows it.
- An **exact** ratio (of counts) is sure at every size, so its crossing is the point itself; it
  lies between the two sizes around it whatever the curve does there.

| sure sides, from the smallest size to the largest | outcome |
|---|---|
| above throughout | ahead |
| above throughout, after a size that may be below | overtakes, lower end unknown |
| below throughout | behind |
| below, then above | overtakes |
| above, then below | falls behind |
| more than one change | several |
| none | level where the ratio is exactly 1 at every size, else cannot tell |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, isnan, log
from typing import Literal

Outcome = Literal[
    "overtakes", "ahead", "behind", "falls behind", "several", "level", "cannot tell"
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A ratio at a size, with its 95 % interval: NaN where unknown, the ratio itself if exact."""

    tokens: float
    ratio: float
    low: float
    high: float
    is_exact: bool = False
    """Whether the ratio is of counts."""

    @property
    def side(self) -> int:
        """1 above 1 for sure, -1 below it for sure, 0 neither."""
        return int(self.low > 1) - int(self.high < 1)  # no comparison with NaN is true

    @property
    def has_interval(self) -> bool:
        """Whether the ratio has an interval."""
        return not (isnan(self.low) or isnan(self.high))


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A size at which the ratio passes 1."""

    tokens: float
    low: float | None
    """Lower end of the 95 % interval; None where it lies below the smallest size."""
    high: float
    between: tuple[float, float]
    """The two measured sizes around the value."""
    rises: bool
    """From below 1 to above."""
    is_exact: bool
    """Whether the ratio is of counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossings:
    """The outcome of a ratio over all sizes."""

    outcome: Outcome
    found: tuple[Crossing, ...]
    points: tuple[Point, ...]
    """Ascending in size."""

    @property
    def undecided(self) -> tuple[Point, ...]:
        """The largest sizes, after the last sure one; none where no size is sure."""
        sure = [i for i, point in enumerate(self.points) if point.side]
        return self.points[sure[-1] + 1 :] if sure else ()

    @property
    def last_rise(self) -> Crossing | None:
        """From where on it is ahead for good; None where it does not end up ahead."""
        return self.found[-1] if self.found and self.found[-1].rises else None


def crossings(points: Sequence[Point]) -> Crossings:
    """Judge a ratio at two sizes or more, given in ascending order."""
    sure = [(i, point.side) for i, point in enumerate(points) if point.side]
    changes = [(i, j) for (i, side), (j, other) in pairwise(sure) if side != other]
    found = [_crossing(points, i, j) for i, j in changes]
    if sure and sure[0][1] > 0:
        found = _early(points, sure[0][0]) + found
    return Crossings(
        outcome=_outcome(points, found, [side for _, side in sure]),
        found=tuple(found),
        points=tuple(points),
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
    """The last passage from the sure side of point i to that of point j."""
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
    """A rise among the smallest sizes, which are not sure to be below 1 but may well be."""
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
    """The size at which a straight line in log-log between the points passes a ratio of 1."""
    y0, y1 = log(before.ratio), log(after.ratio)
    x0, x1 = log(before.tokens), log(after.tokens)
    return exp(x0 - y0 * (x1 - x0) / (y1 - y0))

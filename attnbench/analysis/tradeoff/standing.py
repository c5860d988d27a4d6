"""Where a model stands beside the others, no stronger than the intervals allow.

`frontier` compares the numbers as they are. Here an interval counts: a model is

- **dominated** if another surely costs no more and surely scores higher, or surely costs less and
  surely scores no worse: the intervals do not overlap;
- **on the frontier** if no other may do that;
- else nobody can tell.

Of two models that were judged on the same images the interval of their difference counts in place
of the two intervals of their scores: it is narrower, as what is hard for both cancels.

A score without an interval (one seed) may be anything. The cheapest model is on the frontier
whatever it scores.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf
from typing import Literal, NamedTuple

from attnbench.analysis.tradeoff.frontier import Point

Verdict = Literal["on the frontier", "dominated", "cannot tell"]


@dataclass(frozen=True, slots=True)
class Standing:
    """The verdict on a point; if it is dominated, the place of the best point that does it."""

    verdict: Verdict
    by: int | None = None


class _Box(NamedTuple):
    """The ends of a point's cost, and of its score turned so that higher is better."""

    cheap: float
    dear: float
    worst: float
    best: float


Differences = Mapping[tuple[int, int], tuple[float, float]]
"""By the places of two points: the 95 % interval of the score of the first minus the second's."""


def standings(
    points: Sequence[Point],
    better: Literal["lower", "higher"] = "higher",
    differences: Differences | None = None,
) -> list[Standing]:
    """The standing of each point.

    Args:
        points: models with their intervals.
        better: the direction of the score.
        differences: of pairs that were judged on the same images, in both orders.
    """
    if differences:
        return _by_differences(points, better, differences)
    boxes = [_box(point, 1 if better == "higher" else -1) for point in points]
    surely = _BestUpTo(boxes, cost=lambda box: box.dear, score=lambda box: box.worst)
    maybe = _BestUpTo(boxes, cost=lambda box: box.cheap, score=lambda box: box.best)
    found = []
    for place, box in enumerate(boxes):
        by = surely.beating(box.cheap, box.best, but=place)
        if by is not None:
            found.append(Standing("dominated", by))
        elif maybe.beating(box.dear, box.worst, but=place) is None:
            found.append(Standing("on the frontier"))
        else:
            found.append(Standing("cannot tell"))
    return found


def _box(point: Point, sign: int) -> _Box:
    cheap, dear = point.cost_interval or (point.cost, point.cost)
    low, high = point.interval or (-inf, inf)
    worst, best = sorted((sign * low, sign * high))
    return _Box(cheap, dear, worst, best)


def _by_differences(
    points: Sequence[Point], better: Literal["lower", "higher"], differences: Differences
) -> list[Standing]:
    """The same by the definition, where single pairs have intervals of their own."""
    sign = 1 if better == "higher" else -1
    boxes = [_box(point, sign) for point in points]

    def away(one: int, other: int) -> tuple[float, float]:
        if (one, other) in differences:
            low, high = sorted(sign * end for end in differences[one, other])
            return low, high
        return boxes[one].worst - boxes[other].best, boxes[one].best - boxes[other].worst

    found = []
    for place, box in enumerate(boxes):
        others = [(at, boxes[at], away(at, place)) for at in range(len(boxes)) if at != place]
        surely = [at for at, one, (low, _) in others if _beats(one.dear, box.cheap, low)]
        if surely:
            best = max(surely, key=lambda at: sign * points[at].score)
            found.append(Standing("dominated", best))
        elif any(_beats(one.cheap, box.dear, high) for _, one, (_, high) in others):
            found.append(Standing("cannot tell"))
        else:
            found.append(Standing("on the frontier"))
    return found


def _beats(cost: float, other: float, away: float) -> bool:
    """Whether a cost and a difference of scores are at least as good, and one of them better."""
    return (cost <= other and away > 0) or (cost < other and away >= 0)


class _BestUpTo:
    """The best scores among the points up to a cost, found without comparing all pairs."""

    def __init__(
        self,
        boxes: Sequence[_Box],
        cost: Callable[[_Box], float],
        score: Callable[[_Box], float],
    ) -> None:
        order = sorted(range(len(boxes)), key=lambda place: cost(boxes[place]))
        self._costs = [cost(boxes[place]) for place in order]
        ranked = [((score(boxes[place]), place),) for place in order]
        self._two_best = list(accumulate(ranked, lambda best, one: _two_of((*best, *one))))

    def beating(self, cost: float, score: float, but: int) -> int | None:
        """A point that costs no more and scores higher, or costs less and scores no worse."""
        higher = self._best(bisect_right(self._costs, cost), but)
        if higher and higher[0] > score:
            return higher[1]
        as_high = self._best(bisect_left(self._costs, cost), but)
        return as_high[1] if as_high and as_high[0] >= score else None

    def _best(self, count: int, but: int) -> tuple[float, int] | None:
        """The best of the first `count` points, one of them left out."""
        if not count:
            return None
        return next((one for one in self._two_best[count - 1] if one[1] != but), None)


def _two_of(ranked: tuple[tuple[float, int], ...]) -> tuple[tuple[float, int], ...]:
    """The two best; a point is left out of its own comparison, so one is not enough."""
    return tuple(sorted(ranked, key=lambda one: -one[0])[:2])

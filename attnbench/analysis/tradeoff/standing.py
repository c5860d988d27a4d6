"""Where a model stands beside the others, no stronger than the intervals allow.

`frontier` compares the numbers as they are. Here an interval counts: a model is

- **dominated** if another surely costs no more and surely scores higher, or surely costs less and
  surely scores no worse: the intervals do not overlap;
- **on the frontier** if no other may do that;
- else nobody can tell.

A score without an interval (one seed) may be anything. The cheapest model is on the frontier
whatever it scores.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
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


def standings(
    points: Sequence[Point], better: Literal["lower", "higher"] = "higher"
) -> list[Standing]:
    """The standing of each point; `better` is the direction of the score."""
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

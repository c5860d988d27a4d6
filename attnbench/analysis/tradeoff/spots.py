"""Models of equal cost and score share one spot of a figure, which names them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attnbench.analysis.shortened import some_of
from attnbench.analysis.tradeoff.frontier import Point

MOST_LABELS = 40
"""More labels would cover the data and each other."""
NAMES_AT_A_SPOT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place in a figure, with the models that are there."""

    cost: float
    score: float
    is_beaten: bool
    points: tuple[Point, ...]

    @property
    def name(self) -> str:
        """The name of its model; of several, their number and the first names."""
        names = [point.name for point in self.points]
        if len(names) == 1:
            return names[0]
        return f"{len(names):,} models: {some_of(names, NAMES_AT_A_SPOT)}"


def spots_of(points: Sequence[Point], beaten: Sequence[bool]) -> list[Spot]:
    """The spots of these points, in the order in which they first appear.

    Args:
        points: models with their cost and score.
        beaten: for each point, whether another dominates it; equal points have equal values.
    """
    alike: dict[tuple[float, float], list[int]] = {}
    for index, point in enumerate(points):
        alike.setdefault((point.cost, point.score), []).append(index)
    return [
        Spot(
            cost=cost, score=score, is_beaten=beaten[members[0]],
            points=tuple(points[index] for index in members),
        )
        for (cost, score), members in alike.items()
    ]  # fmt: skip


def labelled(spots: Sequence[Spot]) -> list[Spot]:
    """The spots that get a label: all, else those on the frontier, else some along it."""
    if len(spots) <= MOST_LABELS:
        return list(spots)
    best = sorted((s for s in spots if not s.is_beaten), key=lambda s: (s.cost, s.score))
    if len(best) <= MOST_LABELS:
        return best
    last = len(best) - 1
    return [best[round(number * last / (MOST_LABELS - 1))] for number in range(MOST_LABELS)]


def unlabelled_remark(spots: Sequence[Spot]) -> str:
    """How many spots of the figure have no label, and where their names are; "" if all have."""
    named = len(labelled(spots))
    best = sum(not spot.is_beaten for spot in spots)
    if named == len(spots):
        return ""
    which = "those on the frontier" if named == best else f"{named} along the frontier of {best:,}"
    return (
        f"Of {len(spots):,} points, {which} have a label; the {len(spots) - named:,} others are "
        "named in models.csv, whose column on_frontier says who is on it."
    )

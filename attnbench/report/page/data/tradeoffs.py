"""Score against each cost: the points of comparable models, and where each of them stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from attnbench.analysis.paired.files import OutcomeFiles
from attnbench.analysis.tradeoff.frontier import Point
from attnbench.analysis.tradeoff.groups import (
    COSTS,
    ON_ONE_MACHINE,
    Tradeoff,
    call_of,
    machines_of,
    task_of,
    tradeoffs,
)
from attnbench.analysis.tradeoff.standing import Standing
from attnbench.report.page import limits
from attnbench.report.page.data.columns import pair, rounded

Groups = dict[str, list[Tradeoff]]
"""Groups of comparable models by the name of the cost."""


def groups_of(models: pd.DataFrame, outcomes: OutcomeFiles | None = None) -> Groups:
    """The groups of each cost that was measured; see `tradeoffs`."""
    return {cost: list(tradeoffs(models, metric, outcomes)) for cost, metric in COSTS.items()}


def frontiers(groups: Groups) -> list[dict[str, Any]]:
    """The largest groups of each cost, with their points."""
    return [
        _frontier(cost, group)
        for cost, found in groups.items()
        for group in largest(found, limits.GROUPS_ON_PAGE)
    ]


def largest(groups: Sequence[Tradeoff], most: int) -> list[Tradeoff]:
    """The groups with the most points, in their order."""
    places = limits.largest([len(group.points) for group in groups], most)
    return [groups[place] for place in places]


def _frontier(cost: str, group: Tradeoff) -> dict[str, Any]:
    rows = group.rows
    shown = _first(group)
    place_on_page = {place: at for at, place in enumerate(shown)}
    standings = group.standings
    return {
        "cost": cost,
        "metric": COSTS[cost],
        "score": group.score.key,
        "task": rows["task"].iloc[0],
        "about": f"{task_of(rows)}, {call_of(rows)}",
        "machine": machines_of(rows) if COSTS[cost] in ON_ONE_MACHINE else "",
        "subtitle": group.subtitle,
        "notes": list(group.notes),
        "total": len(group.points),
        "points": [
            _point(group.points[at], group.beaten[at], standings[at], place_on_page) for at in shown
        ],
    }


def _first(group: Tradeoff) -> list[int]:
    """The places of the points on the page: those that nothing beats, then the others."""
    order = sorted(range(len(group.points)), key=lambda at: (group.beaten[at], at))
    return order[: limits.POINTS_ON_PAGE]


def _point(
    point: Point, beaten: bool, standing: Standing, places: dict[int, int]
) -> dict[str, Any]:
    return {
        "name": point.name,
        "attention": point.attention,
        "cost": rounded(point.cost),
        "score": rounded(point.score),
        "costs": pair(point.cost_interval),
        "scores": pair(point.interval),
        "seeds": point.seeds,
        "beaten": beaten,
        "standing": standing.verdict,
        "by": None if standing.by is None else places.get(standing.by),
    }

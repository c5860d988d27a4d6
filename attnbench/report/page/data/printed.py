"""Points that a paper prints: shown in a panel of their own, as others measured them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from attnbench.report.page.data.columns import rounded
from attnbench.units import PRIMARY_SCORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """One row of a table in a paper, in base units; None where nothing is printed."""

    task: str
    about: str
    """Data and table: "ImageNet (table 1)"."""
    name: str
    ours: bool
    """Whether the paper proposes it."""
    score: float
    params: float | None
    operations: float | None
    """As printed: papers call them FLOPs, and mix one and two a multiply-add."""


def panels(points: Iterable[Printed]) -> list[dict[str, Any]]:
    """One panel per task and table."""
    found: dict[tuple[str, str], list[Printed]] = {}
    for point in points:
        found.setdefault((point.task, point.about), []).append(point)
    return [
        {"task": task, "about": about, "score": PRIMARY_SCORE[task],
         "points": [_point(point) for point in members]}
        for (task, about), members in found.items()
    ]  # fmt: skip


def _point(point: Printed) -> dict[str, Any]:
    return {
        "name": point.name, "ours": point.ours, "score": rounded(point.score),
        "params": rounded(point.params), "operations": rounded(point.operations),
    }  # fmt: skip

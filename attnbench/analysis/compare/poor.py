"""Sides of a comparison that nothing is concluded from, and what to run to measure them again."""

from __future__ import annotations

from collections.abc import Iterable

from attnbench.analysis.quotable import DOUBTFUL, POOR, is_quotable
from attnbench.analysis.remeasure import cell_of, commands, model_command
from attnbench.records import CostRecord, LayerRecord, ModelRecord, of_type
from attnbench.records.trust import trust_in


def poor_sides(before: CostRecord, after: CostRecord) -> tuple[CostRecord, ...]:
    """The sides that nothing is concluded from; none if both hold the same measurement."""
    if before.latency == after.latency and before.latency and before.latency.interval_s:
        return ()
    return tuple(record for record in (before, after) if not is_quotable(record))


def poor_text(before: CostRecord, after: CostRecord) -> str:
    """Which sides are graded C, and for which doubts."""
    sides = {"before": before, "after": after}
    return ", ".join(
        f"{side} is {_grade_text(record)}"
        for side, record in sides.items()
        if not is_quotable(record)
    )


def _grade_text(record: CostRecord) -> str:
    worst = [doubt.text for doubt in trust_in(record).doubts if doubt.grade == DOUBTFUL]
    return f"graded {DOUBTFUL} ({', '.join(worst)})" if worst else POOR


def commands_for(records: Iterable[CostRecord]) -> list[str]:
    """The commands that measure these cells again."""
    poor = list(records)
    found = commands([cell_of(record) for record in of_type(poor, LayerRecord)], beside_dense=False)
    found += [model_command(record) for record in of_type(poor, ModelRecord)]
    return list(dict.fromkeys(found))

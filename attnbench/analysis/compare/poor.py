"""Sides of a comparison that nothing is concluded from, and what to run to measure them again."""

from __future__ import annotations

from collections.abc import Iterable

from attnbench.analysis.quotable import DOUBTFUL, POOR, Grades
from attnbench.analysis.remeasure import cell_of, commands, model_command
from attnbench.records import CostRecord, LayerRecord, ModelRecord, of_type


def poor_sides(
    before: CostRecord, after: CostRecord, grades: Grades
) -> tuple[tuple[CostRecord, ...], str]:
    """The sides that nothing is concluded from, and which they are and why, in words.

    None, and "", if both sides hold the same measurement.
    """
    if before.latency == after.latency and before.latency and before.latency.interval_s:
        return (), ""
    sides = {"before": before, "after": after}
    poor = {side: record for side, record in sides.items() if not grades.allow(record)}
    texts = [f"{side} is {_grade_text(record, grades)}" for side, record in poor.items()]
    return tuple(poor.values()), ", ".join(texts)


def _grade_text(record: CostRecord, grades: Grades) -> str:
    worst = [doubt.text for doubt in grades.of(record).doubts if doubt.grade == DOUBTFUL]
    return f"graded {DOUBTFUL} ({', '.join(worst)})" if worst else POOR


def commands_for(records: Iterable[CostRecord]) -> list[str]:
    """The commands that measure these cells again."""
    poor = list(records)
    found = commands([cell_of(record) for record in of_type(poor, LayerRecord)], beside_dense=False)
    found += [model_command(record) for record in of_type(poor, ModelRecord)]
    return list(dict.fromkeys(found))

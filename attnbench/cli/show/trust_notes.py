"""The notes on trust below a table: each grade with exactly the rows that have it, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attnbench.records.doubts.doubt import Doubt
from attnbench.records.trust import Trust

Graded = tuple[str, Trust]
"""The name of a row, and the grade of its latency."""


def trust_notes(rows: Sequence[Graded]) -> list[str]:
    """A line for each grade and doubt, the worst grade first, with its rows and advice.

    A row is named under its own grade, with the doubts that set it. Its lesser doubts follow in
    lines of their own, which say the grade of the row.
    """
    found = [(name, trust.grade, doubt) for name, trust in rows for doubt in trust.doubts]
    if rows and not found:
        return ["trust: A, no doubts about these numbers"]
    notes = []
    for grade in ("C", "B"):
        own = [(name, doubt) for name, of_row, doubt in found if of_row == doubt.grade == grade]
        notes += [f"trust {grade}: {text}" for text in _texts(own)]
    lesser = [(name, doubt) for name, of_row, doubt in found if doubt.grade != of_row]
    return notes + [f"less grave, on rows of trust C: {text}" for text in _texts(lesser)]


def _texts(about: Iterable[tuple[str, Doubt]]) -> list[str]:
    """One text for each doubt and advice: the rows with each finding, then the advice."""
    alike: dict[tuple[str, str], dict[str, list[str]]] = {}
    for name, doubt in about:
        findings = alike.setdefault((doubt.name, doubt.advice), {})
        findings.setdefault(doubt.text, []).append(name)
    return [
        "; ".join([*(f"{', '.join(names)}: {text}" for text, names in findings.items()), advice])
        for (_, advice), findings in alike.items()
    ]

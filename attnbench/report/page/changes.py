"""The change against earlier results, as a table of text for the page."""

from __future__ import annotations

from dataclasses import dataclass

from attnbench.analysis.compare.verdict import Comparison
from attnbench.report.page import limits
from attnbench.report.tables import comparison as texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """A comparison as the page shows it, the worst cells first."""

    summary: str
    heading: str
    heads: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: list[tuple[str, ...]]
    notes: list[str]


def changes(comparison: Comparison) -> Changes:
    """Heading, rows and notes; a long table is cut, which a note says."""
    rows = texts.rows(comparison, limits.CHANGES_ON_PAGE)
    cut = len(comparison.changes) > len(rows)
    return Changes(
        summary=texts.summary(comparison), heading=texts.heading(comparison), heads=texts.HEADS,
        numeric=texts.NUMERIC, rows=rows,
        notes=[*([texts.cut_note(comparison, len(rows))] if cut else []), *texts.notes(comparison)],
    )  # fmt: skip

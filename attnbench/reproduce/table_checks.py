"""Checks of claims by arithmetic on printed numbers; no model is built.

Each check takes the claimed number, then the arguments of its line in `claims.csv`.
"""

from __future__ import annotations

from attnbench.errors import UserError
from attnbench.reproduce import paper
from attnbench.reproduce.span import (
    Outcome,
    Span,
    agrees,
    combined,
    exact,
    largest,
    least,
    magnitude,
    printed,
)

KEYS = {
    "table1": "model", "table2": "model", "table3": "backbone", "table4": "row", "table5": "row",
}  # fmt: skip
"""The column of each table that names a row."""


def cell(table: str, row: str, column: str) -> Span:
    """A printed number; rows are "backbone/method" in table 3 and "trunk/anchors" in table 5.

    Raises:
        UserError: there is no such row, or it has no number in that column.
    """
    first, slash, second = row.partition("/")
    where = _pair(table, first, second) if slash else {KEYS[table]: row}
    text = paper.one(paper.table(table), **where).get(column, "")
    if paper.number(text) is None:
        raise UserError(f"{table}.csv: expected a number in column {column} of row {row}, got none")
    return printed(text)


def _pair(table: str, first: str, second: str) -> dict[str, str]:
    columns = {"table3": ("backbone", "method"), "table5": ("trunk", "anchors")}[table]
    return dict(zip(columns, (first, second), strict=True))


def rise(base: Span, own: Span) -> Span:
    """Percent by which a number exceeds its base."""
    return combined(lambda b, o: 100 * (o / b - 1), base, own)


def fall(base: Span, own: Span) -> Span:
    """Percent by which a number falls below its base."""
    return combined(lambda b, o: 100 * (1 - o / b), base, own)


def relative_rise(claimed: Span, table: str, base: str, row: str, column: str) -> Outcome:
    """Percent by which a row exceeds its base."""
    return agrees(claimed, rise(cell(table, base, column), cell(table, row, column)))


def relative_fall(claimed: Span, table: str, base: str, row: str, column: str) -> Outcome:
    """Percent by which a row falls below its base."""
    return agrees(claimed, fall(cell(table, base, column), cell(table, row, column)))


def rise_over_own(claimed: Span, table: str, base: str, row: str, column: str) -> Outcome:
    """Difference from the base in percent of the row's own value, as in tables 4 and 5."""
    away = fall(cell(table, row, column), cell(table, base, column))
    return agrees(claimed, magnitude(away))


def rise_over_others(claimed: Span, flops_range: str, row: str, which: str) -> Outcome:
    """Least or largest percent by which a row's top-1 exceeds others of its range in table 1."""
    own = cell("table1", row, "top1")
    others = [
        rise(printed(line["top1"]), own)
        for line in paper.table("table1")
        if line["flops_range"] == flops_range and line["model"] != row
    ]
    return agrees(claimed, least(*others) if which == "least" else largest(*others))


def value(claimed: Span, table: str, row: str, column: str) -> Outcome:
    """The number that a table prints, beside the one in the text."""
    return agrees(claimed, cell(table, row, column))


def ratio(claimed: Span, table: str, base: str, row: str, column: str) -> Outcome:
    """Row ÷ base."""
    quotient = combined(lambda b, o: o / b, cell(table, base, column), cell(table, row, column))
    return agrees(claimed, quotient)


def rank(claimed: Span, table: str, row: str, column: str, order: str) -> Outcome:
    """Rank of a row in a column, 1 for the lowest or the highest, among rows with a number."""
    own = cell(table, row, column).value
    values = [paper.number(line[column]) for line in _like(table, row)]
    better = [v for v in values if v is not None and (v < own if order == "lowest" else v > own)]
    return agrees(claimed, exact(1 + len(better)))


def _like(table: str, row: str) -> list[paper.Row]:
    """The rows to rank among: of the same method in table 3, of the same trunk in table 5."""
    first, _, second = row.partition("/")
    rows = paper.table(table)
    if table == "table3":
        return [line for line in rows if line["method"] == second]
    return [line for line in rows if table != "table5" or line["trunk"] == first]

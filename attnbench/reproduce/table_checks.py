"""Checks of claims by arithmetic on printed numbers; no model is built.

Each check takes the claimed number, then the arguments of its line in `claims.csv`.
"""

from __future__ import annotations

from collections.abc import Sequence

from attnbench.errors import UserError
from attnbench.reproduce import paper
from attnbench.reproduce.outcome import Outcome, at_most, equal

KEYS = {
    "table1": "model", "table2": "model", "table3": "backbone", "table4": "row", "table5": "row",
}  # fmt: skip
"""The column of each table that names a row."""


def cell(table: str, row: str, column: str) -> float:
    """A printed number; rows are "backbone/method" in table 3 and "trunk/anchors" in table 5.

    Raises:
        UserError: there is no such row, or it has no number in that column.
    """
    first, _, second = row.partition("/")
    where = {KEYS[table]: row} if not second else _pair(table, first, second)
    value = paper.number(paper.one(paper.table(table), **where).get(column, ""))
    if value is None:
        raise UserError(f"{table}.csv: expected a number in column {column} of row {row}, got none")
    return value


def _pair(table: str, first: str, second: str) -> dict[str, str]:
    columns = {"table3": ("backbone", "method"), "table5": ("trunk", "anchors")}[table]
    return dict(zip(columns, (first, second), strict=True))


def relative_rise(claimed: float, table: str, base: str, row: str, column: str) -> Outcome:
    """Percent by which a row exceeds its base."""
    return equal(claimed, 100 * (cell(table, row, column) / cell(table, base, column) - 1))


def relative_fall(claimed: float, table: str, base: str, row: str, column: str) -> Outcome:
    """Percent by which a row falls below its base."""
    return equal(claimed, 100 * (1 - cell(table, row, column) / cell(table, base, column)))


def rise_over_own(claimed: float, table: str, base: str, row: str, column: str) -> Outcome:
    """Difference from the base in percent of the row's own value, as in tables 4 and 5."""
    own = cell(table, row, column)
    return equal(claimed, 100 * abs(own - cell(table, base, column)) / own, tolerance=0.005)


def rise_over_base(claimed: float, table: str, base: str, row: str, column: str) -> Outcome:
    """Difference from the base in percent of the base."""
    start = cell(table, base, column)
    difference = abs(cell(table, row, column) - start)
    return equal(claimed, 100 * difference / start, tolerance=0.005)


def rise_over_others(claimed: float, flops_range: str, row: str, which: str) -> Outcome:
    """Least or largest percent by which a row's top-1 exceeds others of its range in table 1."""
    own = cell("table1", row, "top1")
    others = [
        100 * (own / float(line["top1"]) - 1)
        for line in paper.table("table1")
        if line["flops_range"] == flops_range and line["model"] != row
    ]
    return equal(claimed, _extreme(others, which))


def _extreme(values: Sequence[float], which: str) -> float:
    return min(values) if which == "least" else max(values)


def value(claimed: float, table: str, row: str, column: str) -> Outcome:
    """The number that a table prints, beside the one in the text."""
    return equal(claimed, cell(table, row, column), tolerance=1e-9)


def ratio(claimed: float, table: str, base: str, row: str, column: str) -> Outcome:
    """Row ÷ base; a difference of a tenth counts as comparable."""
    return equal(claimed, cell(table, row, column) / cell(table, base, column))


def rank(claimed: float, table: str, row: str, column: str, order: str) -> Outcome:
    """Rank of a row in a column, 1 for the lowest or the highest, among rows with a number."""
    own = cell(table, row, column)
    values = [paper.number(line[column]) for line in _like(table, row)]
    better = [v for v in values if v is not None and (v < own if order == "lowest" else v > own)]
    return equal(claimed, 1 + len(better), tolerance=0)


def _like(table: str, row: str) -> list[paper.Row]:
    """The rows to rank among: of the same method in table 3, of the same trunk in table 5."""
    first, _, second = row.partition("/")
    rows = paper.table(table)
    if table == "table3":
        return [line for line in rows if line["method"] == second]
    return [line for line in rows if table != "table5" or line["trunk"] == first]


def implied_tokens(claimed: float, row: str) -> Outcome:
    """Tokens that a row's budget implies: blocks cost n multiply-adds a weight, so MACs ÷ weights.

    The claim holds within 5 %, which is more than patches and head can explain.
    """
    implied = 1e3 * cell("table1", row, "flops_G") / cell("table1", row, "params_M")
    return equal(claimed, implied, tolerance=0.05 * claimed)


def convention(claimed: float, row: str, published: str, resolution: str) -> Outcome:
    """Operations in a row of table 2 for each FLOP that its own source publishes."""
    lines = paper.table("original_reports_dense")
    line = paper.one(lines, system=published, resolution=resolution)
    compute = paper.number(line["compute_G"]) or 0.0
    return equal(claimed, cell("table2", row, "flops_G") / compute, tolerance=0.05)


def published_top1(claimed: float, system: str, variant: str) -> Outcome:
    """A baseline's accuracy in its own source; another evaluation may differ by 0.3 points."""
    line = paper.one(paper.table("original_reports"), system=system, variant=variant)
    return equal(claimed, paper.number(line["top1"]) or 0.0, tolerance=0.3)


def published_at_most(claimed: float, system: str, variant: str, column: str) -> Outcome:
    """A printed baseline must not exceed what its own source reports."""
    line = paper.one(paper.table("original_reports"), system=system, variant=variant)
    return at_most(claimed, paper.number(line[column]) or 0.0)

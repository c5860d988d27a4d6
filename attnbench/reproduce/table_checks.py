"""Checks by arithmetic between printed numbers: no model is built.

Each takes the claimed number, then the arguments of its line in `claims.csv`.
"""

from __future__ import annotations

from collections.abc import Sequence

from attnbench.errors import UserError
from attnbench.reproduce import paper
from attnbench.reproduce.outcome import Outcome, at_most, equal

KEYS = {
    "table1": "model", "table2": "model", "table3": "backbone", "table4": "row", "table5": "row",
}  # fmt: skip
"""The column that names a row."""


def cell(table: str, row: str, column: str) -> float:
    """A printed number; a row of table 3 and 5 is "backbone/method" and "trunk/anchors".

    Raises:
        UserError: no such row or no number there.
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
    """Percent that a row lies above its base."""
    return equal(claimed, 100 * (cell(table, row, column) / cell(table, base, column) - 1))


def relative_fall(claimed: float, table: str, base: str, row: str, column: str) -> Outcome:
    """Percent that a row lies below its base."""
    return equal(claimed, 100 * (1 - cell(table, row, column) / cell(table, base, column)))


def rise_over_own(claimed: float, table: str, base: str, row: str, column: str) -> Outcome:
    """Percent of the row's own value that it lies away from its base: how tables 4 and 5 divide."""
    own = cell(table, row, column)
    return equal(claimed, 100 * abs(own - cell(table, base, column)) / own, tolerance=0.005)


def rise_over_base(claimed: float, table: str, base: str, row: str, column: str) -> Outcome:
    """The same difference, divided by the base."""
    start = cell(table, base, column)
    difference = abs(cell(table, row, column) - start)
    return equal(claimed, 100 * difference / start, tolerance=0.005)


def rise_over_others(claimed: float, flops_range: str, row: str, which: str) -> Outcome:
    """Least or largest percent that a row's top-1 lies above the others of its part of table 1."""
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
    """What a table prints where the text says something."""
    return equal(claimed, cell(table, row, column), tolerance=1e-9)


def ratio(claimed: float, table: str, base: str, row: str, column: str) -> Outcome:
    """How many times its base a row is; a tenth either way counts as comparable."""
    return equal(claimed, cell(table, row, column) / cell(table, base, column))


def rank(claimed: float, table: str, row: str, column: str, order: str) -> Outcome:
    """Place of a row in a column, 1 for the lowest or the highest, among rows with a number."""
    own = cell(table, row, column)
    values = [paper.number(line[column]) for line in _like(table, row)]
    better = [v for v in values if v is not None and (v < own if order == "lowest" else v > own)]
    return equal(claimed, 1 + len(better), tolerance=0)


def _like(table: str, row: str) -> list[paper.Row]:
    """The rows that one is ranked among: of its method in table 3, of its trunk in table 5."""
    first, _, second = row.partition("/")
    rows = paper.table(table)
    if table == "table3":
        return [line for line in rows if line["method"] == second]
    return [line for line in rows if table != "table5" or line["trunk"] == first]


def implied_tokens(claimed: float, row: str) -> Outcome:
    """Tokens that a row's budget implies: blocks cost n multiply-adds a weight, so MACs ÷ weights.

    Holds within 5 %, which is more than the rest of a model (patches, head) can account for.
    """
    implied = 1e3 * cell("table1", row, "flops_G") / cell("table1", row, "params_M")
    return equal(claimed, implied, tolerance=0.05 * claimed)


def convention(claimed: float, row: str, published: str, resolution: str) -> Outcome:
    """Operations that a row of table 2 counts for one published FLOP of its own source."""
    lines = paper.table("original_reports_dense")
    line = paper.one(lines, system=published, resolution=resolution)
    compute = paper.number(line["compute_G"]) or 0.0
    return equal(claimed, cell("table2", row, "flops_G") / compute, tolerance=0.05)


def published_top1(claimed: float, system: str, variant: str) -> Outcome:
    """A baseline's accuracy at its own source; 0.3 points are allowed for another evaluation."""
    line = paper.one(paper.table("original_reports"), system=system, variant=variant)
    return equal(claimed, paper.number(line["top1"]) or 0.0, tolerance=0.3)


def published_at_most(claimed: float, system: str, variant: str, column: str) -> Outcome:
    """A printed baseline must not exceed what its own source reports."""
    line = paper.one(paper.table("original_reports"), system=system, variant=variant)
    return at_most(claimed, paper.number(line[column]) or 0.0)

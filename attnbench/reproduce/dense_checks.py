"""Checks of tables 2 and 3: against counts of their systems, and against their own sources.

Each check takes the claimed number, then the arguments of its line in `claims.csv`. A row is named
as the table prints it, "Swin/UperNet" in table 3. `systems_dense.csv` says which model stands for
it and in which convention its FLOPs are printed.
"""

from __future__ import annotations

from functools import cache

from attnbench.errors import UserError
from attnbench.reproduce import paper
from attnbench.reproduce.counting import count
from attnbench.reproduce.dense_systems import (
    measured,
    operations_of,
    published_scores,
    systems_of,
    workload_of,
)
from attnbench.reproduce.span import Outcome, Span, agrees, combined, exact
from attnbench.reproduce.table_checks import cell, fall


def counted_in_row(claimed: Span, table: str, row: str, column: str) -> Outcome:
    """The count of the system of a row, in the convention of the row."""
    return agrees(claimed, _counted(table, row, column))


def score_of_source(claimed: Span, table: str, row: str, metric: str) -> Outcome:
    """A score of a row, beside that of the system's own source."""
    found = published_scores(_system(table, row)).get(metric)
    if found is None:
        raise UserError(
            f"claims.csv: expected a source of {row}, {metric}, that was read; got none: take the "
            "check out of that line"
        )
    return agrees(claimed, found)


def operations_printed(claimed: Span, table: str, row: str) -> Outcome:
    """Operations that a row prints for each multiply-accumulate that is counted."""
    quotient = combined(lambda f, g: f / g, cell(table, row, "flops_G"), _gmacs(table, row))
    return agrees(claimed, quotient)


def ratio_to_counted(claimed: Span, table: str, base: str, row: str, operations: str) -> Outcome:
    """Printed FLOPs of a row, read with so many operations each, ÷ counted MACs of its base."""
    quotient = combined(lambda b, o: o / b, _gmacs(table, base), _read(table, row, operations))
    return agrees(claimed, quotient)


def fall_from_counted(claimed: Span, table: str, base: str, row: str) -> Outcome:
    """Percent by which printed FLOPs of a row, read as MACs, fall below the count of its base."""
    return agrees(claimed, fall(_gmacs(table, base), _read(table, row, "1")))


def rank_among_counted(claimed: Span, table: str, row: str, operations: str) -> Outcome:
    """Rank of printed FLOPs, read with so many operations each, among counts of other people's."""
    own = _read(table, row, operations)
    others = [
        _gmacs(table, system["row"])
        for system in systems_of(table)
        if system["name"] and system["row"] and system["kind"] in ("rebuilt", "upstream")
    ]
    return agrees(claimed, exact(1 + sum(other.high < own.low for other in others)))


def _read(table: str, row: str, operations: str) -> Span:
    return combined(lambda flops: flops / int(operations), cell(table, row, "flops_G"))


def _gmacs(table: str, row: str) -> Span:
    """Counted MACs of a row, whatever it prints."""
    operations = operations_of(_system(table, row))
    return combined(lambda flops: flops / operations, _counted(table, row, "flops_G"))


def _system(table: str, row: str) -> paper.Row:
    name, _, head = row.partition("/")
    return paper.one(systems_of(table), row=name, head=head)


def _counted(table: str, row: str, column: str) -> Span:
    """Parameters in millions, or 10⁹ operations by the convention of the row."""
    system = _system(table, row)
    if column not in ("params_M", "flops_G"):
        raise UserError(f"claims.csv: expected params_M or flops_G for {row}, got {column!r}")
    value = (measured(system) or _live(table, row))[column]
    return combined(lambda g: operations_of(system) * g, value) if column == "flops_G" else value


@cache
def _live(table: str, row: str) -> dict[str, Span]:
    """Counted here: millions of parameters and GMACs."""
    record = count(workload_of(_system(table, row)))
    if record.macs is None or record.params is None:
        raise UserError(f"the model of row {row} could not be counted: {record.reason}")
    return {
        "params_M": exact(record.params / 1e6),
        "flops_G": exact(record.macs.products_macs / 1e9),
    }

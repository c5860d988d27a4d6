"""Checks of other people's rows: against their own source, and against counts of their code.

Each check takes the claimed number, then the arguments of its line in `claims.csv`. `systems.csv`
says which systems a row may mean: DeiT-T is plain or distilled, and one of them must agree.
"""

from __future__ import annotations

from attnbench.errors import UserError
from attnbench.reproduce import paper
from attnbench.reproduce.span import Outcome, Span, agrees, combined, nearest, printed
from attnbench.reproduce.table_checks import cell

COUNTED = {"params_M": "params_M", "flops_G": "flopcounter_GMACs"}
"""A column of table 1, and the column of `measured.csv` that answers it."""
ACCURACIES = ("top1", "top5")


def as_published(claimed: Span, row: str, column: str) -> Outcome:
    """An accuracy of table 1, beside that of the system's own source."""
    lines = [published(system) for system in _meant(row)]
    found = [line[column] for line in lines if is_known(line, column)]
    return _beside(claimed, found, row, column)


def as_counted(claimed: Span, row: str, column: str) -> Outcome:
    """A budget of table 1, beside the count of the system's code at its own input size."""
    found = [measured(system).get(COUNTED[column], "") for system in _meant(row)]
    return _beside(claimed, found, row, column)


def convention(claimed: Span, row: str, name: str, resolution: str) -> Outcome:
    """Operations in a row of table 2 for each FLOP that its own source publishes."""
    lines = paper.table("original_reports_dense")
    line = paper.one(lines, system=name, resolution=resolution)
    of_source = printed(line["compute_G"])
    return agrees(claimed, combined(lambda s, o: o / s, of_source, cell("table2", row, "flops_G")))


def published(system: paper.Row) -> paper.Row:
    """What the own source of a line of `systems.csv` reports; empty if it names none."""
    if not system["original_system"]:
        return {}
    return paper.one(
        paper.table("original_reports"),
        system=system["original_system"],
        variant=system["original_variant"],
    )


def is_known(line: paper.Row, column: str) -> bool:
    """Whether a line of the original reports has that number, and not from memory alone."""
    return paper.number(line.get(column, "")) is not None and line["checked"] != "recalled"


def measured(system: paper.Row) -> paper.Row:
    """What was counted of a line of `systems.csv` when the tables were collected; may be empty."""
    if not system["measured_row"]:
        return {}
    return paper.one(
        paper.table("measured"), system=system["measured_row"], input_px=system["native_px"]
    )


def _meant(row: str) -> list[paper.Row]:
    return [s for s in paper.table("systems") if s["table1_row"] == row]


def _beside(claimed: Span, found: list[str], row: str, column: str) -> Outcome:
    known = [printed(text) for text in found if paper.number(text) is not None]
    if not known:
        raise UserError(
            f"claims.csv: expected a source or a count of {row}, {column}, got none; take the "
            "check out of that line"
        )
    return agrees(claimed, nearest(claimed, *known))

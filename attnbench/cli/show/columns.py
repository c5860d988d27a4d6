"""The columns of a table in a terminal: how narrow each may be, and rows that need no columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len

LONGEST_WORD = 24
"""A longer word of running text is broken into lines; in a narrower column, none is."""
BETWEEN = 3
"""Columns of the terminal between two columns of a table."""
EDGES = 2
INDENT = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its head, where its text stands, and whether its lines may be wrapped."""

    head: str
    justify: Literal["left", "right", "center"] = "left"
    whole: bool = False
    """Whether no line of a cell may be wrapped, as in numbers with their intervals."""
    name: str = ""
    """What an entry calls a value if the column has no head."""


def number(head: str) -> Column:
    """A column of numbers, which stand at the right and are never wrapped."""
    return Column(head, "right", whole=True)


def least_widths(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    """The width that each column needs at least, so that no word of it is broken."""
    return [
        max(1, *(_least(text, column) for text in (column.head, *_cells(rows, index))))
        for index, column in enumerate(columns)
    ]


def _cells(rows: Sequence[Sequence[str]], index: int) -> Iterator[str]:
    return (row[index] for row in rows if index < len(row))


def _least(text: str, column: Column) -> int:
    if column.whole:
        return _longest_line(text)
    return min(max((cell_len(word) for word in text.split()), default=0), LONGEST_WORD)


def _longest_line(text: str) -> int:
    return max(cell_len(line) for line in text.split("\n"))


def widths_within(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int
) -> list[int] | None:
    """The width of each column of a table that is at most `width` wide; None if there is none.

    Columns that would like more than they need share the room that is left.
    """
    least = least_widths(columns, rows)
    room = width - sum(least) - BETWEEN * (len(columns) - 1) - EDGES
    if room < 0:
        return None
    wanted = [
        max(_longest_line(text) for text in (column.head, *_cells(rows, index))) - needed
        for index, (column, needed) in enumerate(zip(columns, least, strict=True))
    ]
    share = min(1.0, room / max(sum(max(more, 0) for more in wanted), 1))
    return [needed + int(max(more, 0) * share) for needed, more in zip(least, wanted, strict=True)]


def entries(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of each row as an entry: its first cell, then "head: value" for each other."""
    for row in rows:
        yield ""
        yield _joined(row[0])
        for column, cell in zip(columns[1:], row[1:]):  # noqa: B905 - rows may be shorter
            head, value = _joined(column.head) or column.name, _joined(cell)
            if value:
                yield f"{INDENT}{head}: {value}" if head else f"{INDENT}{value}"


def _joined(text: str) -> str:
    return " ".join(text.split())

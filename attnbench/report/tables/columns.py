"""What a table for people is made of: columns that turn a row into text.

A missing number is written as a dash; the status beside it says why it is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from attnbench.units import METRICS

MISSING = "–"
MOST_ROWS = 2000
"""A longer table is no longer read but searched: the CSV files are for that, and hold every row."""

Row = Any
"""One row of a frame, as `itertuples` gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table: its head, how a row reads in it, and on which side it is aligned."""

    head: str
    text: Callable[[Row], str]
    numeric: bool = False
    optional: bool = False
    """Left out of a table in which no row has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with its caption; every cell is text already."""

    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int
    """Rows that there are: a table ends after `MOST_ROWS`."""
    csv: str
    """The files that hold every row."""

    def first(self, count: int, complete: str) -> Table:
        """The table cut to that many rows; its caption then says where all of them are.

        `complete` is a file that holds every row if the table does.
        """
        if self.total <= count:
            return self
        file = complete if len(self.rows) == self.total else self.csv
        note = f" The first {count:,} of {self.total:,} rows; all of them are in {file}."
        return replace(self, caption=self.caption + note, rows=self.rows[:count])


def plain(name: str, head: str = "", numeric: bool = False, optional: bool = False) -> Column:
    """A column that is shown as it stands; what a kind of row does not have is missing."""
    return Column(
        head=head or name,
        text=lambda row: or_missing(getattr(row, name, None), str),
        numeric=numeric,
        optional=optional,
    )


def metric(key: str, head: str = "", optional: bool = False) -> Column:
    """A metric, formatted as everywhere."""
    unit = METRICS[key]
    return Column(
        head=head or unit.label,
        text=lambda row: or_missing(getattr(row, key, None), unit.format),
        numeric=True,
        optional=optional,
    )


def or_missing(value: Any, form: Callable[[Any], str]) -> str:
    """The value as that form writes it, or the dash."""
    return MISSING if pd.isna(value) or value == "" else form(value)


def table_of(
    title: str,
    caption: str,
    columns: Sequence[Column],
    rows: Sequence[Row],
    *,
    total: int,
    csv: str,
) -> Table:
    """A table of the first `MOST_ROWS` rows, without the optional columns that all of these lack.

    Args:
        title: its head.
        caption: what must be known to read it.
        columns: all that it may have.
        rows: the rows, or at least the first `MOST_ROWS`.
        total: how many rows there are.
        csv: the files that hold all of them.
    """
    texts = [[column.text(row) for column in columns] for row in rows[:MOST_ROWS]]
    kept = [
        index
        for index, column in enumerate(columns)
        if not column.optional or any(row[index] != MISSING for row in texts)
    ]
    return Table(
        title=title,
        caption=caption,
        columns=tuple(columns[index] for index in kept),
        rows=tuple(tuple(row[index] for index in kept) for row in texts),
        total=total,
        csv=csv,
    )

"""Build tables from columns that turn a row into text.

A missing number becomes a dash; the row's status says why it is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from attnbench.units import METRICS

MISSING = "–"
MOST_ROWS = 2000
"""Tables stop after this many rows; the CSV files hold every row."""

Row = Any
"""One row of a frame, from `itertuples`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table: its head, the text of a row in it, and its alignment."""

    head: str
    text: Callable[[Row], str]
    numeric: bool = False
    optional: bool = False
    """Whether to leave the column out if no row has a value."""
    telling: bool = False
    """Whether to leave the column out if all rows have the same value: it tells rows apart."""

    def is_needed(self, texts: Sequence[str]) -> bool:
        """Whether a table needs the column, given its text in each row."""
        if self.telling:
            return len(set(texts)) > 1
        return not self.optional or any(text != MISSING for text in texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with its caption; all text cells are final."""

    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int
    """Number of rows before the cut at `MOST_ROWS`."""
    csv: str
    """The files that hold every row."""

    def first(self, count: int, complete: str) -> Table:
        """The table cut to `count` rows; the caption then says where all of them are.

        Args:
            count: the most rows to keep.
            complete: the file to name if this table has every row; otherwise `csv` is named.
        """
        if self.total <= count:
            return self
        file = complete if len(self.rows) == self.total else self.csv
        note = f" The first {count:,} of {self.total:,} rows; all of them are in {file}."
        return replace(self, caption=self.caption + note, rows=self.rows[:count])


def plain(
    name: str,
    head: str = "",
    numeric: bool = False,
    optional: bool = False,
    telling: bool = False,
) -> Column:
    """A column shown as it is; a dash if the row lacks it."""
    return Column(
        head=head or name,
        text=lambda row: or_missing(getattr(row, name, None), str),
        numeric=numeric,
        optional=optional,
        telling=telling,
    )


def metric(key: str, head: str = "", optional: bool = False) -> Column:
    """A metric, in its usual format."""
    unit = METRICS[key]
    return Column(
        head=head or unit.label,
        text=lambda row: or_missing(getattr(row, key, None), unit.format),
        numeric=True,
        optional=optional,
    )


def or_missing(value: Any, form: Callable[[Any], str]) -> str:
    """The formatted value, or a dash if it is missing."""
    # Without pandas' own question, which takes longer than the text.
    missing = value is None or value is pd.NA or value != value or value == ""
    return MISSING if missing else form(value)


def table_of(
    title: str,
    caption: str,
    columns: Sequence[Column],
    rows: Sequence[Row],
    *,
    total: int,
    csv: str,
) -> Table:
    """A table of the first `MOST_ROWS` rows, without the columns that it does not need.

    Args:
        title: the title.
        caption: the explanation of the columns.
        columns: all possible columns.
        rows: the rows, or at least the first `MOST_ROWS`.
        total: the number of rows.
        csv: the files that hold all rows.
    """
    texts = [[column.text(row) for column in columns] for row in rows[:MOST_ROWS]]
    kept = [
        index
        for index, column in enumerate(columns)
        if column.is_needed([row[index] for row in texts])
    ]
    return Table(
        title=title,
        caption=caption,
        columns=tuple(columns[index] for index in kept),
        rows=tuple(tuple(row[index] for index in kept) for row in texts),
        total=total,
        csv=csv,
    )

"""Write tables as Markdown, and frames as CSV files in base units."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from attnbench.analysis.frame.frames import NAMES
from attnbench.report.export.csv_file import write_frame
from attnbench.report.tables.columns import MOST_ROWS, Table
from attnbench.report.tables.markdown import in_markdown, table_lines


def markdown(table: Table) -> str:
    """The table in GitHub Markdown, with its title and caption."""
    table = table.first(MOST_ROWS, complete=table.csv)
    heads = [column.head for column in table.columns]
    numeric = [column.numeric for column in table.columns]
    lines = table_lines(heads, numeric, table.rows)
    title, caption = in_markdown(table.title), in_markdown(table.caption)
    return "\n".join([f"# {title}", "", caption, "", *lines, ""])


def without_names(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame without the columns that repeat other columns."""
    return frame.drop(columns=[name for name in NAMES if name in frame])


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write the frame without its key columns; a missing value is an empty field.

    Raises:
        OSError: the file cannot be written.
    """
    plain = frame[[name for name in frame.columns if not name.endswith("_key")]]
    write_frame(path, plain)

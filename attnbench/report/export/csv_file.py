"""Write rows to a CSV file.

Text is made visible. A spreadsheet would compute a text that begins like a formula,
which may then read or send what the reader has: such a text gets an apostrophe before it, which
spreadsheets take for "this is text". Numbers keep their sign.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from attnbench.errors import UserError
from attnbench.files.writing import replacing
from attnbench.visible import visible

FORMULA = ("=", "+", "-", "@")
"""How a text begins that spreadsheets compute."""


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows with equal keys; columns that are empty in every row are left out.

    Raises:
        UserError: the file cannot be written.
    """
    columns = [name for name in rows[0] if any(row[name] not in (None, "") for row in rows)]
    try:
        write_rows(path, columns, ([row[name] for name in columns] for row in rows))
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; choose another --out") from error


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write the names of the columns and the rows; None becomes an empty field.

    Raises:
        OSError: the file cannot be written.
    """
    with replacing(path) as new, new.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_text(v) if isinstance(v, str) else v for v in row] for row in rows)


@lru_cache(maxsize=4096)  # names and conditions come back in every row
def _text(value: str) -> str:
    """The text as a field that is shown and never computed."""
    shown = visible(value)
    return f"'{shown}" if shown.startswith(FORMULA) and not _is_number(shown) else shown


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

"""Write rows to a CSV file.

Text is made visible. A spreadsheet would compute a text that begins like a formula,
which may then read or send what the reader has: such a text gets an apostrophe before it, which
spreadsheets take for "this is text". Numbers keep their sign.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
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
        write_columns(path, {name: [row[name] for row in rows] for name in columns})
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; choose another --out") from error


def write_columns(path: Path, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write columns of equal length by name; None becomes an empty field.

    Raises:
        OSError: the file cannot be written.
    """
    shown = [_shown(values) for values in columns.values()]
    with replacing(path) as new, new.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*shown, strict=True))


def _shown(values: Sequence[Any]) -> Sequence[Any]:
    """The values, texts as fields; each distinct text is made once, as most come back in rows."""
    texts = {value: _text(value) for value in {v for v in values if isinstance(v, str)}}
    return [texts[v] if isinstance(v, str) else v for v in values] if texts else values


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

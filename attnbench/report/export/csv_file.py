"""Write rows to a CSV file.

Text is made visible. A spreadsheet would compute a text that begins like a formula,
which may then read or send what the reader has: such a text gets an apostrophe before it, which
spreadsheets take for "this is text". Numbers keep their sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attnbench.errors import UserError
from attnbench.files.writing import replacing
from attnbench.visible import visible

if TYPE_CHECKING:  # not all who write rows load pandas
    import pandas as pd

FORMULA = ("=", "+", "-", "@")
"""How a text begins that spreadsheets compute."""
AT_ONCE = 5000
"""Rows of a frame that are in memory as text."""
_SIGNS = re.compile('[,"\r\n]')


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
    _write(path, list(columns), [list(columns.values())])


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """Write a frame, some rows at a time: the fields of all take more memory than the frame.

    Raises:
        OSError: the file cannot be written.
    """
    blocks = (frame.iloc[start : start + AT_ONCE] for start in range(0, len(frame), AT_ONCE))
    plain = ([_plain(block[name]) for name in block] for block in blocks)
    _write(path, [str(name) for name in frame], plain)


def _plain(column: pd.Series) -> list[Any]:
    return column.astype(object).where(column.notna(), None).tolist()


def _write(path: Path, names: Sequence[str], blocks: Iterable[Sequence[Sequence[Any]]]) -> None:
    """Write the head, and the rows of each block of columns."""
    with replacing(path) as new, new.open("w", encoding="utf-8", newline="") as file:
        file.write(_line(_fields(names)))
        for columns in blocks:
            file.writelines(map(_line, zip(*map(_fields, columns), strict=True)))


def _line(fields: Iterable[str]) -> str:
    return (",".join(fields) or '""') + "\n"  # an empty line would be no row


def _fields(values: Sequence[Any]) -> list[str]:
    """The values as they stand in the file.

    Most texts come back in many rows, so each is made once; the writer of `csv` would look through
    every field.
    """
    kinds = set(map(type, values))
    if kinds == {float}:
        return list(map(repr, values))
    texts = {value: _quoted(_text(value)) for value in {v for v in values if isinstance(v, str)}}
    if kinds == {str}:
        return [texts[value] for value in values]
    return [
        texts[value] if isinstance(value, str) else "" if value is None else str(value)
        for value in values
    ]


def _quoted(text: str) -> str:
    """The text, in quotes if it holds a sign of the format (RFC 4180)."""
    return '"{}"'.format(text.replace('"', '""')) if _SIGNS.search(text) else text


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

"""The results file on disk: lines are appended safely, and read as far as they can be.

A line is appended with one write, flushed and synced, so a crash costs at most the line being
written. Reading reports a torn line and skips it; the next append starts a new line behind it.
Several processes may append to one file; they take turns.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

from attnbench.errors import UserError
from attnbench.files.reading import kind_of, shown
from attnbench.records.contents import Contents
from attnbench.records.numbers import LONGEST
from attnbench.records.reading import read, read_many, uncollected
from attnbench.records.record import Record
from attnbench.records.schema import Line, encode, parse, text_of

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["Contents", "append", "encode", "parse", "read", "read_many", "text_of", "uncollected"]


def append(path: Path, line: Line) -> None:
    """Add one line to the end of a file, creating file and folder where needed.

    Raises:
        UserError: the file cannot be written.
        ValueError: the line holds what no reader would accept, such as NaN.
    """
    text = text_of(_with_short_reason(line))
    parse(text.encode())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and kind_of(path) != "a file":
            raise UserError(f"cannot write results to {shown(path)}: it is {kind_of(path)}")
        with path.open("ab") as file:
            _lock(file)
            file.write((_missing_newline(path) + text + "\n").encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UserError(f"cannot write results to {shown(path)}: {error.strerror}") from error


def _with_short_reason(line: Line) -> Line:
    """The line with a reason that a reader accepts; a message of other code may be any length."""
    if isinstance(line, Record) and len(line.reason) > LONGEST:
        return replace(line, reason=line.reason[: LONGEST - 2] + " …")
    return line


def _lock(file: IO[bytes]) -> None:
    """Wait until no other process appends to the file; closing the file ends the lock.

    Windows and some network file systems have no such lock. The append is then made without it,
    and two commands should not write to one file at the same time.
    """
    if fcntl is not None:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)


def _missing_newline(path: Path) -> str:
    """A newline if the last line is torn, so that the next line starts on its own."""
    if path.stat().st_size == 0:
        return ""
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return "" if file.read(1) == b"\n" else "\n"

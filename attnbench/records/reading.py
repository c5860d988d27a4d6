"""Read results files: what cannot be read is named and skipped, and the rest is used.

A bad line is named by file and number with the reason, a bad file by what it is. A file without
one readable line is named once, not line by line.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from attnbench.files.content import START, not_utf8
from attnbench.files.reading import MissingError, UnreadableError, reading, shown
from attnbench.records.contents import Contents
from attnbench.records.lines import LONGEST, lines_of
from attnbench.records.one_part import OnePart
from attnbench.records.schema import Line, parse, reason_of

NAMED = 20
"""Bad lines of a file that are named one by one."""
EXPECTED = "expected one JSON record a line, as `--out` writes them"


def read(path: Path, *, growing: bool = False) -> Contents:
    """Read a file; lines that are no record of this version are reported and skipped.

    Args:
        path: the file.
        growing: whether somebody may be writing to it: a last line that is not whole is left out
            and not reported.

    Raises:
        UnreadableError: the file is missing or cannot be read, or no line of it is a record.
    """
    contents = Contents()
    with reading(path) as file, uncollected():
        what = not_utf8(file.read(START))
        if what:
            raise UnreadableError(f"{shown(path)}: {EXPECTED}, got {what}")
        file.seek(0)
        _read_lines(path, file, contents, growing=growing)
    return contents


def read_many(paths: Iterable[Path], *, growing: bool = False) -> Contents:
    """Read files and folders (every *.jsonl in them) as one.

    What cannot be read is reported with the other problems, so that it does not hide the rest.

    Args:
        paths: of files and folders.
        growing: see `read`.

    Raises:
        MissingError: a path leads nowhere.
        UnreadableError: there are problems and not one record.
    """
    whole, refusals = Contents(), []
    for file in results_of(paths, whole.problems):
        try:
            whole.extend(read(file, growing=growing))
        except MissingError:
            raise
        except UnreadableError as error:
            refusals.append(error)
            whole.problems.append(f"{error}; skipped")
    if refusals and whole.is_empty:
        raise refusals[0] if len(refusals) == 1 else _none_readable(refusals)
    return whole


def _none_readable(refusals: list[UnreadableError]) -> UnreadableError:
    more = len(refusals) - 1
    return UnreadableError(f"{refusals[0]} (and {more:,} more of the files cannot be read)")


def results_of(paths: Iterable[Path], problems: list[str] | None = None) -> Iterator[Path]:
    """The files, and those of the folders that hold results; `problems` takes what is not told."""
    told = [] if problems is None else problems
    for path in paths:
        yield from _results_in(path, told) if os.path.isdir(path) else [path]


def _results_in(folder: Path, problems: list[str]) -> list[Path]:
    """All that is named *.jsonl in a folder, in order; what cannot be listed is a problem."""

    def unreadable(error: OSError) -> None:
        place = shown(Path(error.filename or folder))
        problems.append(f"cannot read the folder {place}: {error.strerror}; skipped")

    return sorted(
        Path(parent, name)
        for parent, folders, files in os.walk(folder, onerror=unreadable)
        for name in (*folders, *files)
        if name.endswith(".jsonl")
    )


def _read_lines(path: Path, file: IO[bytes], contents: Contents, *, growing: bool) -> None:
    bad: list[str] = []
    ends, count, number = (b"", b""), 0, 0
    one_of = OnePart()
    for number, line in lines_of(file):
        ends = (ends[0] or line[:1], line[-1:])
        try:
            contents.add(one_of.each(_parse(line)))
        except (ValueError, TypeError, KeyError) as error:
            if growing and _ends_unfinished(file):
                break
            count += 1
            if count <= NAMED:
                bad.append(f"{shown(path)}:{number}: skipped, {reason_of(error, line)}")
    if contents.is_empty and bad and not _is_torn_first_line(path, number):
        raise UnreadableError(_why_none(path, bad[0], is_array=ends == (b"[", b"]")))
    if count > NAMED:
        bad.append(f"{shown(path)}: skipped, {count - NAMED:,} more lines")
    contents.problems.extend(bad)


def _ends_unfinished(file: IO[bytes]) -> bool:
    """Whether the line that was just read is the last one, and lacks its line end."""
    file.seek(-1, os.SEEK_CUR)
    return file.read(1) != b"\n"


def _parse(line: bytes) -> Line:
    if len(line) > LONGEST:
        raise ValueError(f"a line of more than {LONGEST:,} bytes")
    return parse(line)


def _why_none(path: Path, first: str, *, is_array: bool) -> str:
    if is_array:
        return f"{shown(path)}: {EXPECTED}, got one JSON array; write each member on its own line"
    return f"{shown(path)} holds no readable record; {EXPECTED} (first problem: {first})"


def _is_torn_first_line(path: Path, lines: int) -> bool:
    """Whether the file holds one line only, which a crash has torn."""
    if lines != 1:
        return False
    with reading(path) as file:
        line = file.readline(LONGEST)
    return line.startswith(b'{"schema": ') and not line.endswith(b"\n")


@contextmanager
def uncollected() -> Iterator[None]:
    """Without garbage collection of cycles: records have none, and it takes a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()

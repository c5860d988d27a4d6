"""The results file on disk: lines are appended safely, and torn lines do no harm.

A line is appended with one write, flushed and synced, so a crash costs at most the line being
written. Reading reports a torn line and skips it; the next append starts a new line behind it.
Several processes may append to one file; they take turns.
"""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import IO

from attnbench.errors import UserError
from attnbench.records.machine_lines import Ceiling, Checkup
from attnbench.records.record import (
    CostRecord,
    EpochRecord,
    LayerRecord,
    ModelRecord,
    Record,
    of_type,
)
from attnbench.records.schema import Line, encode, parse, reason_of

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Contents:
    """The lines of a file by their kind, and the problems of those that could not be read."""

    records: list[Record] = field(default_factory=list)
    """In the order of the file."""
    ceilings: list[Ceiling] = field(default_factory=list)
    checkups: list[Checkup] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, line: Line) -> None:
        """Add a line to the list of its kind."""
        getattr(self, _LISTS.get(line.kind, "records")).append(line)

    def extend(self, other: Contents) -> None:
        """Add all that the other holds."""
        for known in fields(self):
            getattr(self, known.name).extend(getattr(other, known.name))

    @property
    def is_empty(self) -> bool:
        """Whether there is no readable line."""
        return not (self.records or self.ceilings or self.checkups)

    @property
    def layers(self) -> list[LayerRecord]:
        """The records of layers."""
        return of_type(self.records, LayerRecord)

    @property
    def models(self) -> list[ModelRecord]:
        """The records of models."""
        return of_type(self.records, ModelRecord)

    @property
    def epochs(self) -> list[EpochRecord]:
        """The records of epochs."""
        return of_type(self.records, EpochRecord)

    @property
    def costs(self) -> list[CostRecord]:
        """The records of layers and models."""
        return of_type(self.records, CostRecord)


_LISTS = {"ceiling": "ceilings", "checkup": "checkups"}


def append(path: Path, line: Line) -> None:
    """Add one line to the end of a file, creating file and folder where needed."""
    text = json.dumps(encode(line), ensure_ascii=False, allow_nan=False) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            _lock(file)
            file.write((_missing_newline(path) + text).encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UserError(f"cannot write results to {path}: {error.strerror}") from error


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


def read(path: Path) -> Contents:
    """Read a file; torn lines and lines of a newer schema are reported and skipped.

    Raises:
        UserError: the file is missing, or no line of it is a record.
    """
    contents = _read_lines(path)
    if not _is_torn_first_line(path):
        _refuse_unreadable(contents, path)
    return contents


def _is_torn_first_line(path: Path) -> bool:
    """Whether the file holds one line only, which a crash has torn."""
    with path.open("rb") as file:
        line = file.readline()
        return line.startswith(b'{"schema": ') and not line.endswith(b"\n")


def _read_lines(path: Path) -> Contents:
    contents = Contents()
    try:
        with path.open("rb") as file, uncollected():
            for number, line in enumerate(file, start=1):
                if line.strip():
                    _read_line(line, path, number, contents)
    except OSError as error:
        raise UserError(f"cannot read results from {path}: {error.strerror}") from error
    return contents


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


def _refuse_unreadable(contents: Contents, path: Path) -> None:
    if contents.problems and contents.is_empty:
        raise UserError(
            f"{path} holds no readable record; expected one JSON record a line "
            f"(first problem: {contents.problems[0]})"
        )


def _read_line(line: bytes, path: Path, number: int, contents: Contents) -> None:
    try:
        contents.add(parse(line))
    except (ValueError, TypeError, KeyError) as error:
        contents.problems.append(f"{path}:{number}: skipped, {reason_of(error)}")


def read_many(paths: Iterable[Path]) -> Contents:
    """Read files and folders (every *.jsonl in them) as one.

    A file that is named must hold records. In a folder, a file without any is reported with the
    other problems, so that one torn file does not hide the rest.
    """
    whole = Contents()
    for path in paths:
        contents = _read_folder(path) if path.is_dir() else read(path)
        whole.extend(contents)
    return whole


def _read_folder(folder: Path) -> Contents:
    whole = Contents()
    for file in sorted(folder.rglob("*.jsonl")):
        contents = _read_lines(file)
        whole.extend(contents)
    _refuse_unreadable(whole, folder)
    return whole

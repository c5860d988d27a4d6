"""The results file: one JSON object a line. The only module that knows the format.

Schema history:
    1  first version.
    2  modes: what was called `train` is `forward+backward`, and `train` is a whole training step;
       the protocol has the state of the caches; lines about the machine (ceiling, checkup).
A fact more needs no new version: readers that do not know it leave it out. What changes the meaning
of another field does.

A line is appended with one write, flushed and synced, so that a crash costs at most the line
being written. A torn line is reported and skipped when reading; the next append starts a new
line behind it. Appends of several processes take turns.
"""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec

from attnbench.errors import UserError
from attnbench.records import Ceiling, Checkup, Record
from attnbench.spec import ModelWorkload, Workload

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

SCHEMA = 2
Line = Record | Ceiling | Checkup


def _from_1(values: dict[str, Any]) -> dict[str, Any]:
    workload = values["workload"]
    if workload["mode"] == "train":
        workload = {**workload, "mode": "forward+backward"}
    return {**values, "workload": workload}


UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_1}
"""From version v to v + 1; an old file is read through the whole chain."""


class _Head(msgspec.Struct):
    """What says how to read the rest of a line."""

    schema: int | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfLayer(Record):
    """A record while it is read: its kind tells which workload, as msgspec must know."""

    workload: Workload

    def __post_init__(self) -> None:
        object.__setattr__(self, "__class__", Record)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfModel(Record):
    workload: ModelWorkload

    def __post_init__(self) -> None:
        object.__setattr__(self, "__class__", Record)


LINES: dict[str, type] = {
    "layer": _OfLayer, "epoch": _OfModel, "model": _OfModel, "ceiling": Ceiling, "checkup": Checkup,
}  # fmt: skip
"""How a line of each kind is read."""
_head = msgspec.json.Decoder(_Head).decode
_decoders: dict[str, Callable[[bytes], Line]] = {
    kind: msgspec.json.Decoder(cls).decode for kind, cls in LINES.items()
}


@dataclass(frozen=True, slots=True)
class Contents:
    """The lines of a file by what they are about, and what could not be read."""

    records: list[Record] = field(default_factory=list)
    ceilings: list[Ceiling] = field(default_factory=list)
    checkups: list[Checkup] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, line: Line) -> None:
        """Put a line where it belongs."""
        if isinstance(line, Record):
            self.records.append(line)
        elif isinstance(line, Ceiling):
            self.ceilings.append(line)
        else:
            self.checkups.append(line)

    def extend(self, other: Contents) -> None:
        """Add all that the other holds."""
        self.records.extend(other.records)
        self.ceilings.extend(other.ceilings)
        self.checkups.extend(other.checkups)
        self.problems.extend(other.problems)

    @property
    def is_empty(self) -> bool:
        """Whether no line could be read."""
        return not (self.records or self.ceilings or self.checkups)


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
    """Wait until no other process appends to the file; closing the file lets the next one in.

    Where there is no such lock (Windows has no fcntl, some network file systems refuse it), the
    append goes on without: two commands should then not write to one file at a time.
    """
    if fcntl is not None:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)


def _missing_newline(path: Path) -> str:
    """A newline where the last line was torn, so that it cannot swallow the next one."""
    if path.stat().st_size == 0:
        return ""
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return "" if file.read(1) == b"\n" else "\n"


def read(path: Path) -> Contents:
    """Read a file; lines that are torn or of a newer schema are reported, never fatal.

    Raises:
        UserError: the file is missing, or not one line of it is a record.
    """
    contents = _read_lines(path)
    if not _is_torn_first_line(path):
        _refuse_unreadable(contents, path)
    return contents


def _is_torn_first_line(path: Path) -> bool:
    """Whether a crash in the midst of the very first append left all that there is."""
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
    """Without the search for cycles, of which records have none: it takes a third of the time."""
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
        contents.add(_parse(line))
    except (ValueError, TypeError, KeyError) as error:
        contents.problems.append(f"{path}:{number}: skipped, {_reason(error)}")


def _parse(line: bytes) -> Line:
    version, kind = _known(_head(line))
    if version == SCHEMA:
        return _decoders[kind](line)
    return decode(msgspec.json.decode(line))


def _reason(error: Exception) -> str:
    if type(error) is msgspec.DecodeError or isinstance(error, UnicodeDecodeError):
        return "not a whole JSON line (torn by a crash?)"
    return f"not a record of this version ({error})"


def read_many(paths: Iterable[Path]) -> Contents:
    """Read files and folders (every *.jsonl below) as one.

    A file that is named must hold records; below a folder, one that holds none is reported with
    the other problems, so that a single torn file cannot hide the rest.
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


def encode(line: Line) -> dict[str, Any]:
    """The line as plain values; kind and key are written for readers without attnbench."""
    key = line.key if isinstance(line, Record) else ""
    plain = {"schema": SCHEMA, "kind": _kind_of(line), "key": key, **asdict(line)}
    return {name: value for name, value in plain.items() if value not in (None, "", ())}


def _kind_of(line: Line) -> str:
    return line.kind if isinstance(line, Record) else type(line).__name__.lower()


def decode(plain: Mapping[str, Any]) -> Line:
    """The line that `encode` wrote, upgraded from any earlier schema."""
    values = dict(plain)
    version, kind = _known(msgspec.convert(values, _Head))
    for step in range(version, SCHEMA):
        values = UPGRADES[step](values)
    return msgspec.convert(values, LINES[kind])


def _known(head: _Head) -> tuple[int, str]:
    """Schema and kind of a line that this version can read."""
    if head.schema is None or not 1 <= head.schema <= SCHEMA:
        raise ValueError(f"schema {head.schema}, this attnbench reads 1 to {SCHEMA}")
    if head.kind not in LINES:
        raise ValueError(f"kind {head.kind!r}, this attnbench reads {', '.join(LINES)}")
    return head.schema, head.kind

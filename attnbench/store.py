"""The results file: one JSON object a line. The only module that knows the format.

Schema history:
    1  first version.

A line is appended with one write, flushed and synced, so that a crash costs at most the line
being written. A torn line is reported and skipped when reading; the next append starts a new
line behind it. Appends of several processes take turns.
"""

from __future__ import annotations

import json
import os
import types
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, Union, get_args, get_origin, get_type_hints

from attnbench.errors import UserError
from attnbench.records import Record
from attnbench.spec import ModelWorkload, Workload

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

SCHEMA = 1

UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From version v to v + 1; an old file is read through the whole chain."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The records of a file, and one line for each piece that could not be read."""

    records: list[Record]
    problems: list[str]


def append(path: Path, record: Record) -> None:
    """Add one record to the end of a file, creating file and folder where needed."""
    line = json.dumps(encode(record), ensure_ascii=False, allow_nan=False) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            _lock(file)
            file.write((_missing_newline(path) + line).encode())
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
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise UserError(f"cannot read results from {path}: {error.strerror}") from error
    contents = Contents(records=[], problems=[])
    for number, line in enumerate(lines, start=1):
        if line.strip():
            _read_line(line, f"{path}:{number}", contents)
    return contents


def _refuse_unreadable(contents: Contents, path: Path) -> None:
    if contents.problems and not contents.records:
        raise UserError(
            f"{path} holds no readable record; expected one JSON record a line "
            f"(first problem: {contents.problems[0]})"
        )


def _read_line(line: bytes, where: str, contents: Contents) -> None:
    try:
        contents.records.append(decode(json.loads(line)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        contents.problems.append(f"{where}: skipped, {_reason(error)}")


def _reason(error: Exception) -> str:
    if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)):
        return "not a whole JSON line (torn by a crash?)"
    return f"not a record of this version ({error})"


def read_many(paths: Iterable[Path]) -> Contents:
    """Read files and folders (every *.jsonl below) as one.

    A file that is named must hold records; below a folder, one that holds none is reported with
    the other problems, so that a single torn file cannot hide the rest.
    """
    whole = Contents(records=[], problems=[])
    for path in paths:
        contents = _read_folder(path) if path.is_dir() else read(path)
        whole.records.extend(contents.records)
        whole.problems.extend(contents.problems)
    return whole


def _read_folder(folder: Path) -> Contents:
    whole = Contents(records=[], problems=[])
    for file in sorted(folder.rglob("*.jsonl")):
        contents = _read_lines(file)
        whole.records.extend(contents.records)
        whole.problems.extend(contents.problems)
    _refuse_unreadable(whole, folder)
    return whole


def encode(record: Record) -> dict[str, Any]:
    """The record as plain values; its kind and key are written for readers without attnbench."""
    plain = {"schema": SCHEMA, "kind": record.kind, "key": record.key, **asdict(record)}
    return {name: value for name, value in plain.items() if value not in (None, "", ())}


def decode(plain: Mapping[str, Any]) -> Record:
    """The record that `encode` wrote, upgraded from any earlier schema."""
    values = dict(plain)
    version = values.pop("schema", None)
    if not isinstance(version, int) or not 1 <= version <= SCHEMA:
        raise ValueError(f"schema {version!r}, this attnbench reads 1 to {SCHEMA}")
    for step in range(version, SCHEMA):
        values = UPGRADES[step](values)
    kind = values.pop("kind")
    values.pop("key")
    workload = _build(Workload if kind == "layer" else ModelWorkload, values.pop("workload"))
    return _build(Record, {**values, "workload": workload})


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _build(cls: type, values: Mapping[str, Any]) -> Any:
    """A dataclass from plain values: nested dataclasses and tuples are restored by their types."""
    unknown = set(values) - {field.name for field in fields(cls)}
    if unknown:
        raise ValueError(f"unknown fields {', '.join(sorted(unknown))}")
    hints = _hints(cls)
    return cls(**{name: _restore(hints[name], value) for name, value in values.items()})


def _restore(hint: Any, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, dict):
        options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
        target = next((option for option in options if is_dataclass(option)), None)
        return _build(target, value) if isinstance(target, type) else value
    return value

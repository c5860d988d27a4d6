"""The files of jobs lie in a folder beside the results, until their records have joined them."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attnbench.errors import UserError
from attnbench.executors.merging import Merged
from attnbench.executors.told import told_file
from attnbench.files.reading import shown
from attnbench.records import Record

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

SUFFIX = ".jobs"
LONGEST_PART = 60
"""Characters: file systems take names of 255 bytes."""


def jobs_folder(out: Path) -> Path:
    """The folder of the files of jobs, beside the results."""
    return out.absolute().with_name(out.name + SUFFIX)


@contextmanager
def shared_folder(folder: Path, merged: Merged) -> Iterator[list[Record]]:
    """Use the folder in a block. First what calls that were themselves stopped have left is merged.

    As long as another call uses it, nothing is merged: the files may be those of its jobs.

    Args:
        folder: it is made, and removed at the end if nothing is left in it.
        merged: the results file.

    Yields:
        The records that were merged.

    Raises:
        UserError: the folder cannot be made, or the results cannot be written.
    """
    with _in_use(folder) as lock:
        try:
            yield _merge_leftovers(merged, folder) if _is_alone(lock) else []
        finally:
            if _is_alone(lock):
                with suppress(OSError):  # not empty
                    folder.rmdir()


@contextmanager
def _in_use(folder: Path) -> Iterator[int | None]:
    """Hold a lock on the folder that others may hold too; None on Windows, which has none."""
    try:
        lock = _locked(folder)
        while lock is not None and not _is_still_there(folder, lock):
            os.close(lock)
            lock = _locked(folder)
    except OSError as error:
        raise UserError(
            f"cannot write into {shown(folder)}: {error.strerror}; choose another --out"
        ) from error
    try:
        yield lock
    finally:
        if lock is not None:
            os.close(lock)


def _locked(folder: Path) -> int | None:
    folder.mkdir(parents=True, exist_ok=True)
    if fcntl is None:
        return None
    lock = os.open(folder, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


def _is_still_there(folder: Path, lock: int) -> bool:
    """Whether nobody has removed the folder before it was locked."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(lock), folder.stat())
    return False


def _is_alone(lock: int | None) -> bool:
    """Whether no other call uses the folder at this moment."""
    if lock is None or fcntl is None:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        fcntl.flock(lock, fcntl.LOCK_SH)
    return True


def _merge_leftovers(merged: Merged, folder: Path) -> list[Record]:
    new: list[Record] = []
    for file in sorted(folder.glob("*.jsonl")):
        new += merged.add(file.read_bytes())
        remove(file)
    return new


def new_file(folder: Path, *parts: str) -> Path:
    """A new name for the records of a job: another call may do the same work in this folder.

    Args:
        folder: of the files of jobs.
        parts: what the job is about, for people.
    """
    readable = "-".join(re.sub(r"[^\w.-]", "-", part)[:LONGEST_PART] for part in parts if part)
    return folder / f"{readable}-{secrets.token_hex(4)}.jsonl"


def remove(results: Path) -> None:
    """Remove the files of a job."""
    for file in (results, told_file(results)):
        file.unlink(missing_ok=True)

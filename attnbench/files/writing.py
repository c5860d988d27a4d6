"""Replace files completely or not at all, and clear up after writers that were killed.

A new file is written beside its target under a name of its own, `.NAME.PROCESS-NUMBER.tmp`, and
takes the target's place when it is complete. A writer that is killed leaves that file behind; the
next writer of the same target removes it. Each writer holds a lock on its file as long as it lives,
so that nobody removes the file of a living one.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows: no leftovers are removed, as nothing tells whose they are
    fcntl = None  # type: ignore[assignment]

LONGEST = 200
"""Bytes of the target's name that fit in that of its temporary file: names end at 255 bytes."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """The path of an empty file to write to, which replaces the target when the block ends well.

    Folders are created where needed. After an exception the old file is as it was.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    temporary, lock = _create(path)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
        lock.close()


def replace_bytes(path: Path, content: bytes, *, keep: Path | None = None) -> None:
    """Replace a file, or create it with its folder; a power failure too leaves the old or the new.

    Args:
        path: of the file.
        content: all of the new one.
        keep: a name for the old one in the same folder, in place of the file that has it.

    Raises:
        OSError: the file cannot be written; the old one is as it was.
    """
    with replacing(path) as temporary:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if keep is not None:
            _keep(path, keep)


def _keep(path: Path, keep: Path) -> None:
    """Give a file, if it is there, a second name; at no moment is it without the first."""
    link = keep.with_name(f".{keep.name}.link")
    link.unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        try:
            os.link(path, link)
        except FileNotFoundError:
            raise
        except OSError:  # a file system without second names
            os.replace(path, keep)
        else:
            os.replace(link, keep)


def replace_text(path: Path, text: str) -> None:
    """Replace a file by UTF-8 text, or create it with its folder.

    A power failure may leave an empty file: text can be made again.

    Raises:
        OSError: the file cannot be written; the old one is as it was.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def _create(path: Path) -> tuple[Path, IO[bytes]]:
    """A new temporary file, and an open file that holds its lock."""
    while True:
        temporary = path.with_name(f"{_prefix(path)}{os.getpid()}-{secrets.token_hex(4)}.tmp")
        # The usual permissions of new files, which `tempfile` would not give.
        file = temporary.open("xb")
        _lock(file, wait=True)
        if _is_there(temporary, file):
            return temporary, file
        file.close()  # another writer took it for a leftover before it was locked


def _remove_leftovers(path: Path) -> None:
    """Remove the temporary files of writers of this target that are dead."""
    # Not a longer name's: `.last.pt.1.tmp` is no leftover of `last`.
    is_leftover = re.compile(re.escape(_prefix(path)) + r"\d+(-[0-9a-f]+)?\.tmp").fullmatch
    with suppress(OSError):
        for name in filter(is_leftover, os.listdir(path.parent)):
            _remove_if_dead(path.with_name(name))


def _remove_if_dead(temporary: Path) -> None:
    with suppress(OSError), temporary.open("rb") as file:
        if _lock(file, wait=False):
            temporary.unlink(missing_ok=True)


def _lock(file: IO[bytes], *, wait: bool) -> bool:
    """Whether the file could be locked; some network file systems have no locks."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def _is_there(temporary: Path, file: IO[bytes]) -> bool:
    try:
        return os.path.samestat(temporary.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _prefix(path: Path) -> str:
    name = path.name
    fits = len(os.fsencode(name)) <= LONGEST
    return f".{name if fits else hashlib.sha256(os.fsencode(name)).hexdigest()}."

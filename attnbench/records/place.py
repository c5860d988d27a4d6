"""Try a place before anything is measured: can a file, or files in a folder, be written there?

The trial writes one temporary file beside the place, and removes it. The file that is asked for is
neither made nor changed: another process may be writing to it at the same time.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from attnbench.errors import UserError
from attnbench.files.reading import A_FILE, A_FOLDER, kind_of, shown

BLOCK = b"\0" * 4096
"""What the trial writes: on a full disk an empty file can still be made."""
LOOKED_AT = 2**20
"""Bytes: more than the longest record."""
RECORD = re.compile(rb'^(\xef\xbb\xbf)?\s*\{\s*"\w+"\s*:', re.MULTILINE)


def try_file(path: Path, flag: str = "--out", *, replaced: bool = False) -> None:
    """Refuse a file that cannot be appended to, or made with the folders above it.

    Args:
        path: the file; it need not exist.
        flag: what the user gives to choose it, for the message.
        replaced: whether the file is replaced. Otherwise records are appended, and a file that
            holds something else, such as a checkpoint, would be spoilt by them.

    Raises:
        UserError: it cannot be written; the message says why.
    """
    try:
        kind = _kind(path)
        if kind is None:
            _try_new(path)
        elif kind != A_FILE:
            raise _refusal(path, f"it is {kind}", flag)
        else:
            with path.open("ab"):
                pass
            if not replaced and _holds_no_record(path):
                raise _refusal(path, "it holds no records but something else", flag)
    except (OSError, ValueError) as error:
        raise _refusal_of(error, path, flag) from None


def try_folder(path: Path, flag: str = "--out") -> None:
    """Refuse a folder in which no file can be made; it need not exist.

    Raises:
        UserError: nothing can be written there; the message says why.
    """
    try:
        kind = _kind(path)
        if kind is None:
            _try_new(path)
        elif kind != A_FOLDER:
            raise _refusal(path, f"it is {kind} and no folder", flag)
        else:
            _try_in(path)
    except (OSError, ValueError) as error:
        raise _refusal_of(error, path, flag) from None


def _kind(path: Path) -> str | None:
    """What stands at the path, in words; None for nothing."""
    try:
        return kind_of(path)
    except FileNotFoundError:
        return None


def _holds_no_record(path: Path) -> bool:
    """Whether a file has bytes, but no line among its first bytes that begins as records do."""
    with path.open("rb") as file:
        beginning = file.read(LOOKED_AT)
    return bool(beginning.strip()) and not RECORD.search(beginning)


def _try_new(path: Path) -> None:
    """Whether the path can be made: in the nearest folder that exists, by each of its names."""
    folder, missing = path.absolute(), []
    while (kind := _kind(folder)) is None:
        missing.append(folder.name)
        folder = folder.parent
    if kind != A_FOLDER:
        raise NotADirectoryError(0, f"{folder} is {kind} and no folder")
    for name in missing:
        _kind(folder / name)  # raises if the name is too long
    _try_in(folder)


def _try_in(folder: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder, prefix=".attnbench-trial-") as file:
            file.write(BLOCK)
            file.flush()
    except OSError as error:
        raise OSError(0, f"no file can be made in {folder} ({error.strerror})") from error


def _refusal_of(error: OSError | ValueError, path: Path, flag: str) -> UserError:
    if isinstance(error, UserError):
        return error
    reason = (isinstance(error, OSError) and error.strerror) or str(error)
    return _refusal(path, reason, flag)


def _refusal(path: Path, reason: str, flag: str) -> UserError:
    return UserError(f"cannot write to {shown(path)}: {reason}; choose another {flag}")

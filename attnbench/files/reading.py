"""Open files for reading: what is no readable file is named, and never waited for.

A named pipe or a device would block a command for ever, or never end. A link that leads nowhere, a
folder with the name of a file, and a name that is too long are named by what they are.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from attnbench.errors import UserError
from attnbench.files.content import BOM, START, not_utf8

SHOWN = 240
"""Characters of a path that a message repeats."""

A_FILE, A_FOLDER = "a file", "a folder"
_KINDS = (
    (stat.S_ISREG, A_FILE),
    (stat.S_ISDIR, A_FOLDER),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class UnreadableError(UserError):
    """A path that cannot be read as a file; the message names it and says what is there."""


class MissingError(UnreadableError):
    """Nothing is at a path."""


@contextmanager
def reading(path: Path) -> Iterator[IO[bytes]]:
    """A regular file, opened to read its bytes.

    Raises:
        MissingError: nothing is there.
        UnreadableError: it is no regular file, or the system refuses to
            read it, even in the middle.
    """
    try:
        kind = kind_of(path)
        if kind != A_FILE:
            raise UnreadableError(f"{shown(path)}: expected a file, got {kind}")
        with path.open("rb") as file:
            yield file
    except OSError as error:
        refusal = MissingError if isinstance(error, FileNotFoundError) else UnreadableError
        raise refusal(f"cannot read {shown(path)}: {error.strerror or error}") from error


def read_bytes(path: Path) -> bytes:
    """All bytes of a file.

    Raises:
        UnreadableError: see `reading`.
    """
    with reading(path) as file:
        return file.read()


def read_text(path: Path) -> str:
    """The UTF-8 text of a file; a mark before it is left out.

    Raises:
        UnreadableError: see `reading`; or it is no UTF-8 text, and it is named by what it is.
    """
    content = read_bytes(path)
    what = not_utf8(content[:START])
    if what:
        raise UnreadableError(f"{shown(path)}: expected text, got {what}")
    try:
        return content.removeprefix(BOM).decode()
    except UnicodeDecodeError as error:
        raise UnreadableError(
            f"{shown(path)}: expected UTF-8 text, got byte {content[error.start]:#04x} at "
            f"{error.start + 1:,} (Latin-1 or Windows-1252?); save it as UTF-8"
        ) from error


def kind_of(path: Path) -> str:
    """What is at a path, links followed, in words such as "a file" or "a named pipe".

    Raises:
        OSError: nothing is there, or the system cannot say.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if path.is_symlink():
            return "a link to nothing"
        raise
    except ValueError as error:  # a zero byte or half a surrogate in the name
        raise OSError(0, f"no name of a file ({error})") from error
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "no file")


def shown(path: Path) -> str:
    """A path as a message repeats it: quoted if it holds what cannot be printed, and shortened.

    The middle of a very long one is left out.
    """
    text = str(path)
    text = text if text.isprintable() else repr(text)
    half = SHOWN // 2
    return text if len(text) <= SHOWN else f"{text[:half]} … {text[-half:]}"

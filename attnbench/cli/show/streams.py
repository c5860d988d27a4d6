"""Standard output and error as the commands see them: safe to write to, and honest when they fail.

- Text from anywhere is made visible; only a `Screen` may send colours and move the cursor.
- Letters that the encoding lacks are spelled.
- A reader that has gone ends the program quietly; a full device is named.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from attnbench.cli.show.letters import READABLE
from attnbench.errors import UserError
from attnbench.visible import visible

READER_GONE = 128 + 13
"""The exit code of a program that SIGPIPE ended, as shells show it."""
NAMES = {"stdout": "standard output", "stderr": "standard error"}


class Honest(io.TextIOBase):
    """A stream whose failures end the program: quietly if the reader has gone, else by name."""

    def __init__(self, stream: TextIO, name: str) -> None:
        super().__init__()
        self._stream, self._name = stream, name
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=READABLE)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream below."""
        return self._stream.encoding or "utf-8"

    def writable(self) -> bool:
        """Always."""
        return True

    def fileno(self) -> int:
        """The number of the file, for those who write past this."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Whether the stream below is a terminal."""
        return self._stream.isatty()

    def write(self, text: str) -> int:
        """Write the text as it is."""
        with self._failing():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Pass on what was written; most failures show only here."""
        with self._failing():
            self._stream.flush()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._give_up()
            if error.errno in (errno.EPIPE, errno.ESHUTDOWN):
                raise SystemExit(READER_GONE) from None
            raise UserError(
                f"cannot write to {NAMES[self._name]}: {error.strerror}; send the output "
                "elsewhere (cells that were measured are stored)"
            ) from None

    def _give_up(self) -> None:
        """Send what follows nowhere, so that the end of the process cannot fail again."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        with suppress(OSError, ValueError):
            self._stream.flush()


class Guarded(Honest):
    """A stream for text from anywhere. It is no terminal to anybody, so that nobody draws on it."""

    def __init__(self, stream: TextIO, name: str) -> None:
        super().__init__(stream, name)
        self.beneath = Honest(stream, name)
        """The same stream for a `Screen`, which makes text visible itself, and draws."""

    def write(self, text: str) -> int:
        """Write the text, made visible."""
        return self.beneath.write(visible(text))

    def isatty(self) -> bool:
        """Never."""
        return False


@contextmanager
def guarded() -> Iterator[None]:
    """Guard standard output and error for a block.

    Raises:
        UserError: an output cannot be written to.
        SystemExit: the reader of an output has gone.
    """
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_guard(name) for name in NAMES)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _guard(name: str) -> Guarded:
    stream = getattr(sys, name)
    if stream is None:  # closed before the program began
        stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - open until the end
    return Guarded(stream, name)

"""A process that works for this one, as the parent sees it.

There are two ways to start one: `spawned` starts a process of `multiprocessing`, `program` a fresh
interpreter, which is slower and may be started from anywhere.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import IO, Any

from attnbench.isolation.ending import explain_end, read_last_words
from attnbench.isolation.failure import WorkLostError

START_LIMIT_S = 120.0
"""Importing torch takes seconds, and much longer from a slow disk that is read the first time."""
END_LIMIT_S = 10.0
"""A process that was killed, or has closed its connection, is gone at once, unless a driver holds
it."""

Watched = Connection | int


class IsolatedProcess(ABC):
    """A connection to a process, and the file that takes what it prints."""

    def __init__(self, connection: Connection, output: IO[bytes]) -> None:
        self._connection = connection
        self._output = output
        self._said_before = 0

    def __enter__(self) -> IsolatedProcess:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def wait_until_ready(self) -> None:
        """Wait for its first message, which it sends when it has imported everything.

        Raises:
            WorkLostError: it failed, ended, or took too long.
        """
        self.receive(START_LIMIT_S, f"the process was not ready within {START_LIMIT_S:g} s")

    def send(self, job: Any) -> None:
        """Send a job; only what the process prints from here on can be its last words."""
        self._said_before = self._output.seek(0, os.SEEK_END)
        with suppress(OSError):  # it has just ended; `receive` says how
            self._connection.send(job)

    def receive(self, limit_s: float, too_late: str) -> Any:
        """Its next message.

        Args:
            limit_s: seconds to wait.
            too_late: the reason if nothing has come by then.

        Raises:
            WorkLostError: the message is one, the process ended, or nothing came in time.
        """
        if not wait(self._watched(), limit_s):
            raise WorkLostError("timeout", too_late)
        with suppress(EOFError, OSError):  # it ended before its message, or in the middle of it
            if self._connection.poll():
                return _result(self._connection.recv())
        last_words = read_last_words(self._output, self._said_before)
        raise WorkLostError(*explain_end(self.exit_code(END_LIMIT_S), last_words))

    def end(self) -> None:
        """Kill it; harmless if it has ended by itself."""
        self._kill()
        self.exit_code(END_LIMIT_S)
        self._connection.close()
        self._output.close()

    @abstractmethod
    def exit_code(self, limit_s: float) -> int | None:
        """Its exit code, negative for a signal; None if it has not ended within the limit."""

    @abstractmethod
    def _kill(self) -> None:
        """End it at once."""

    def _watched(self) -> Sequence[Watched]:
        """What becomes ready when there is a message or the process has ended."""
        return [self._connection]


def _result(message: Any) -> Any:
    """What a process sent; a loss that it reports is raised here."""
    if isinstance(message, WorkLostError):
        raise message
    return message

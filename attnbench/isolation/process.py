"""A process that works for this one, as the parent sees it.

There are two ways to start one: `spawned` starts a process of `multiprocessing`, `program` a fresh
interpreter, which is slower and may be started from anywhere.
"""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from time import monotonic
from typing import IO, Any, TypeVar

from attnbench.isolation.answers import Asked
from attnbench.isolation.ending import explain_end, read_last_words
from attnbench.isolation.failure import WorkLostError
from attnbench.isolation.family import end_family

START_LIMIT_S = 120.0
"""Importing torch takes seconds, and much longer from a slow disk that is read the first time."""
END_LIMIT_S = 10.0
"""A process that was killed, or has closed its connection, is gone at once, unless a driver holds
it."""

LOOK_EVERY_S = 1.0
"""How often it is asked whether the process has ended. A copy that it forked keeps everything open
by which the system would tell."""


Process = TypeVar("Process", bound="IsolatedProcess")


class IsolatedProcess(ABC):
    """A connection to a process, and the file that takes what it prints."""

    def __init__(self, connection: Connection, output: IO[bytes]) -> None:
        self._connection = connection
        self._asked = Asked(connection)
        self._output = output
        self._said_before = 0
        self._mark = ""
        self._ended = False

    def __enter__(self: Process) -> Process:
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
            self._asked.send(job)

    def receive(self, limit_s: float | None, too_late: str) -> Any:
        """Its next answer to the last job.

        Args:
            limit_s: seconds to wait; None for as long as it lives.
            too_late: the reason if nothing has come by then.

        Raises:
            WorkLostError: the answer is one, the process ended, nothing came in time, or a copy of
                the process answered.
        """
        deadline = monotonic() + (math.inf if limit_s is None else limit_s)
        try:
            while self._has_message(deadline, too_late):
                counts, answer = self._asked.take(self.pid)
                if counts:
                    return _result(answer)
        except (EOFError, OSError):  # it ended in the middle of a message
            pass
        last_words = read_last_words(self._output, self._said_before)
        status, reason = explain_end(self.exit_code(END_LIMIT_S), last_words)
        raise WorkLostError(status, reason, self._part())

    def has_answer(self) -> bool:
        """Whether `receive` would return or raise at once."""
        return self._connection.poll() or self.exit_code(0) is not None

    def _has_message(self, deadline: float, too_late: str) -> bool:
        """Wait for a message; False if the process has ended without one."""
        while True:
            left = deadline - monotonic()
            if wait([self._connection], max(0.0, min(left, LOOK_EVERY_S))):
                return True
            if self.exit_code(0) is not None:
                return self._connection.poll()
            if left <= 0:
                raise WorkLostError("timeout", too_late, self._part())

    def end(self) -> None:
        """Kill it and all that it has started; harmless if it has ended by itself."""
        if self._ended:
            return
        self._ended = True
        self._kill()
        end_family(self.pid, self._mark)
        self.exit_code(END_LIMIT_S)
        self._connection.close()
        self._output.close()

    @property
    @abstractmethod
    def pid(self) -> int:
        """Its number."""

    @abstractmethod
    def exit_code(self, limit_s: float) -> int | None:
        """Its exit code, negative for a signal; None if it has not ended within the limit."""

    @abstractmethod
    def _kill(self) -> None:
        """End it at once."""

    def _part(self) -> int | None:
        """The part of the job that it has begun last; None if it tells of none."""
        return None


def _result(message: Any) -> Any:
    """What a process sent; a loss that it reports is raised here."""
    if isinstance(message, WorkLostError):
        raise message
    return message

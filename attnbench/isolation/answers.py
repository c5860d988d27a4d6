"""Answers that are bound to a job and to the process that was asked.

Strangers' code may fork the process and let the copy go on. The copy holds the same connection and
does the same work, so its answers look right. Each message therefore carries the number of the
process that sent it and the token of the job, which the parent draws anew for each.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from ctypes import c_int
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from attnbench.isolation.failure import WorkLostError

_process_id, _end = os.getpid, os._exit
"""As they are before a plug-in may replace them."""
NOWHERE = -1
"""The part of a process that has not begun one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a process sends."""

    token: str
    process: int
    part: int
    content: Any


class Asked:
    """The parent's side: sends a job, and takes the answers to it alone."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._token = ""

    def send(self, job: Any) -> None:
        """Send a job; answers to earlier ones do not count from here on."""
        self._token = secrets.token_hex(8)
        self._connection.send((self._token, job))

    def take(self, process: int | None) -> tuple[bool, Any]:
        """Read one message: whether it answers the job, and what it says.

        Args:
            process: id of the process that was asked.

        Raises:
            WorkLostError: a copy of the process answered, or the message cannot be read.
            EOFError, OSError: the connection is closed.
        """
        try:
            answer = self._connection.recv()
        except (EOFError, OSError):
            raise
        except Exception as error:
            reason = f"the answer cannot be read ({type(error).__name__})"
            raise WorkLostError("failed", f"{reason}: something else wrote to it") from error
        if not isinstance(answer, Answer) or answer.token != self._token:
            return False, None
        if answer.process != process:
            raise WorkLostError("failed", _of_a_copy(answer.process), part_of(answer.part))
        return True, answer.content


def _of_a_copy(process: int) -> str:
    return (
        f"the code forked the process and let the copy ({process}) go on, whose answer does not "
        "count; end the copy with os._exit"
    )


class JobConnection:
    """The side of the process that works: what its function is given as its connection."""

    def __init__(self, connection: Connection, part: c_int | None = None) -> None:
        """Wrap a connection.

        Args:
            connection: to the parent.
            part: shared with the parent; it is told there which part of the job is being done.
        """
        self._connection = connection
        self._process = _process_id()
        self._token = ""
        self._shared_part = part
        self._part = NOWHERE

    def recv(self) -> Any:
        """The next job; a copy of the process gets none.

        Raises:
            EOFError: the parent has closed its side.
        """
        self._end_copies()
        self._token, job = self._connection.recv()
        self._part = NOWHERE
        return job

    def send(self, content: Any) -> None:
        """Send an answer; a copy of the process says that it is one, and ends."""
        self._end_copies()
        self._connection.send(Answer(self._token, self._process, self._part, content))

    def begin(self, part: int) -> None:
        """Note which part of the job begins, so that the parent knows it after a crash."""
        if _process_id() == self._process:
            self._part = part
            if self._shared_part is not None:
                self._shared_part.value = part

    @property
    def part(self) -> int | None:
        """The part of the job that has begun last."""
        return part_of(self._part)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def fileno(self) -> int:
        """The number by which the system knows the connection."""
        return self._connection.fileno()

    def _end_copies(self) -> None:
        if _process_id() != self._process:
            self._connection.send(Answer(self._token, _process_id(), self._part, None))
            _end(1)


Serve = Callable[..., None]
"""What runs in the process: it is given a `JobConnection` and its arguments."""


def part_of(number: int) -> int | None:
    """The part that was begun; None if none was."""
    return None if number == NOWHERE else number

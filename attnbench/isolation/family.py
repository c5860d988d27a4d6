"""A process and all that it has started: they are ended together.

On POSIX systems the process leads a session of its own, whose group is killed at once. What has
left the session is found by a mark in its environment, which every descendant inherits. Signals
that can be ignored are not used.
"""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress

MARKS = "ATTNBENCH_FAMILIES"
"""The environment variable with the marks of all families that a process belongs to."""
ROUNDS = 5
"""How often members are looked for: one may have started another before it was killed."""


@contextmanager
def marked(environment: MutableMapping[str, str]) -> Iterator[str]:
    """Mark a family in an environment, for the process that is started with it."""
    mark, before = secrets.token_hex(8), environment.get(MARKS)
    environment[MARKS] = " ".join(filter(None, [before, mark]))
    try:
        yield mark
    finally:
        if before is None:
            environment.pop(MARKS, None)
        else:
            environment[MARKS] = before


def own_mark() -> str:
    """The mark of the innermost family that this process was started in; "" for none."""
    return os.environ.get(MARKS, "").rpartition(" ")[2]


def end_family(leader: int, mark: str) -> None:
    """Kill a process, its group and all its descendants; this process, if it is one, comes last.

    Args:
        leader: process id of the one that was started.
        mark: of its family.
    """
    try:
        for _ in range(ROUNDS):
            killed = [_kill(pid) for pid in _members(mark) if pid != os.getpid()]
            if not any(killed):
                break
    finally:
        if hasattr(os, "killpg"):
            with suppress(OSError):  # no group of its own (yet), or nobody is left in it
                os.killpg(leader, signal.SIGKILL)


def _members(mark: str) -> list[int]:
    """The processes that carry the mark, as far as this user may look into them."""
    import psutil

    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if mark in process.environ().get(MARKS, "").split():
                found.append(process.pid)
    return found if mark else []


def _kill(pid: int) -> bool:
    """Whether there was something to kill."""
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        return True
    return False

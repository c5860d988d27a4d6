"""Work in a copy of this process, which changes nothing here: what is built and warm is there too.

Only the thread that forks lives on in the copy, so the work must not wait for others. A copy that
hangs is killed. Not for work on a GPU, whose driver does not survive a fork.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any


def in_fork(work: Callable[[], Any], timeout_s: float) -> Any:
    """What `work` returns in a copy of this process; None if it fails there, or takes too long.

    Args:
        work: what is called; its result is small and can be pickled. What it prints is lost.
        timeout_s: seconds until the copy is killed.
    """
    if not hasattr(os, "fork"):
        return None
    reading, writing = os.pipe()
    try:
        child = fork()
    except OSError:  # no room for a second process
        os.close(reading)
        os.close(writing)
        return None
    if child == 0:
        _be_the_copy(work, writing, timeout_s)
    os.close(writing)
    try:
        return _answer(reading, timeout_s)
    finally:
        os.close(reading)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def fork() -> int:
    """As `os.fork`, without the warning for a process with threads.

    Raises:
        OSError: there is no room for a second process.
    """
    with warnings.catch_warnings():  # Python warns of the threads that the copy lacks
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _be_the_copy(work: Callable[[], Any], writing: int, timeout_s: float) -> None:
    """Answer, and end at once, without the clean-up that is the first process's own."""
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, timeout_s)  # should the first process be gone
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nowhere, stream)
        sys.stdout = sys.stderr = os.fdopen(nowhere, "w")
        os.write(writing, pickle.dumps(work()))
    finally:
        os._exit(0)


def _answer(reading: int, timeout_s: float) -> Any:
    """What the copy wrote until it ended; None if that is nothing."""
    end, said = time.monotonic() + timeout_s, b""
    while select.select([reading], [], [], max(0.0, end - time.monotonic()))[0]:
        part = os.read(reading, 1 << 16)
        if not part:
            return pickle.loads(said) if said else None
        said += part
    return None

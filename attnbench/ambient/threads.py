"""Threads and processes that a call has started and left running."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import FrameType

from attnbench import clocks

TASKS = Path("/proc/self/task")
HELPERS_CODE = ("torch/_inductor/", "torch/_dynamo/", "triton/", "tqdm/")
"""Code whose threads do no work of a call."""
IDLE = "concurrent/futures/thread.py:_worker"
"""Where a thread of a pool waits for its next work."""
HELPERS = ("resource_tracker", "compile_worker", "forkserver")
"""Words in the command line of processes that Python and torch's compiler start for themselves."""
END_S = 1.0
"""Seconds that a thread left running is given to end, so that it disturbs no other cell."""

LAST_LOOKS, LAST_LOOK_S = 5, 0.002
"""The system may count a thread for a moment after it has ended for Python."""


class Threads:
    """The Python threads and the child processes of this process as they are now."""

    def __init__(self) -> None:
        self._threads = set(threading.enumerate())
        self._children = set(_children())

    def left_running(self) -> list[str]:
        """A text about each thread and process that has come since and is still there.

        Threads are given a moment to end, and processes are ended.
        """
        return [*self.threads_left(), *self._children_left()]

    def threads_left(self) -> list[str]:
        """A text about the Python threads that have come since and are still alive."""
        alive = [one for one in threading.enumerate() if one not in self._threads]
        left = [thread for thread in alive if not _is_harmless(thread)]
        for thread in left:
            with suppress(RuntimeError):  # the thread that asks
                thread.join(END_S / len(left))
        return [f"threads left running: {_names(left)}"] if left else []

    def _children_left(self) -> list[str]:
        import psutil

        left = []
        for pid in set(_children()) - self._children:
            with suppress(psutil.Error):
                child = psutil.Process(pid)
                command = " ".join(child.cmdline())
                if child.status() == psutil.STATUS_ZOMBIE or any(h in command for h in HELPERS):
                    continue
                left.append(f"{child.name()} ({pid})")
                child.kill()
        return [f"processes left running: {', '.join(left)}; ended"] if left else []


def native_threads() -> int:
    """Threads of this process that the system counts; 0 where it does not tell."""
    return len(os.listdir(TASKS)) if TASKS.is_dir() else 0


def native_threads_beyond(known: int) -> int:
    """How many more there are; one that was waited for is given a moment to disappear."""
    for _ in range(LAST_LOOKS):
        grown = native_threads() - known
        if grown <= 0:
            return 0
        clocks.sleep(LAST_LOOK_S)
    return grown


def _names(threads: list[threading.Thread]) -> str:
    shown = ", ".join(thread.name for thread in threads[:3])
    return shown + (f" and {len(threads) - 3} more" if len(threads) > 3 else "")


def _is_harmless(thread: threading.Thread) -> bool:
    """Whether it waits for work, or belongs to torch's compiler or a progress bar."""
    frame = sys._current_frames().get(thread.ident or 0)
    if frame is not None and _place(frame).endswith(IDLE):
        return True
    while frame is not None:
        if any(part in _place(frame) for part in HELPERS_CODE):
            return True
        frame = frame.f_back
    return False


def _place(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename.replace(os.sep, '/')}:{frame.f_code.co_name}"


def _children() -> list[int]:
    """The processes that this one has started; Linux tells them without a look at all others."""
    try:
        lists = [(task / "children").read_text() for task in TASKS.iterdir()]
    except OSError:
        import psutil

        return [child.pid for child in psutil.Process().children()]
    return [int(pid) for text in lists for pid in text.split()]

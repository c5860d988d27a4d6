"""Signals that ask a training to stop: it saves its state after the step at hand, and ends.

SIGTERM is what systems send before they kill, SIGUSR1 what Slurm is told to send before a job's
time is over, or SIGUSR2 by submitit; SIGINT is Ctrl-C. A second Ctrl-C does not wait for the step.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

NAMES = ("SIGTERM", "SIGUSR1", "SIGUSR2", "SIGINT")
"""Windows lacks SIGUSR1 and SIGUSR2."""


@contextmanager
def stop_signals() -> Iterator[Callable[[], int]]:
    """Take the signals for a block: the result gives the number of the first one, else 0.

    In threads other than the main one no signals arrive, and nothing is done.
    """
    asked: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: 0
        return
    numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
    before = {number: signal.signal(number, remember) for number in numbers}
    try:
        yield lambda: asked[0] if asked else 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""What jobs of the tests do, in processes that import this module."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from attnbench.executors.base import Answer
from attnbench.executors.told import Teller


@dataclass(frozen=True)
class Says:
    """Answers with the number of its process and its slot."""

    slot: int = -1

    def __call__(self) -> Answer:
        return Answer(end=str(os.getpid()), reason=str(self.slot))


@dataclass(frozen=True)
class Dies:
    """Is killed, or raises an error."""

    by: str

    def __call__(self) -> Answer:
        if self.by == "signal":
            os.kill(os.getpid(), signal.SIGSEGV)
        raise ZeroDivisionError("no such number")


@dataclass(frozen=True)
class Waits:
    """Tells that it has begun; when it is asked to stop, it writes a line and answers."""

    results: Path

    def __call__(self) -> Answer:
        stopped: list[int] = []
        signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
        Teller(self.results).tell({"begun": True})
        while not stopped:
            time.sleep(0.01)
        self.results.with_suffix(".saved").touch()
        return Answer(end="stopped")

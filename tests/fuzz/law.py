"""What holds of every command line, whatever was typed and whatever the files hold."""

from __future__ import annotations

import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from attnbench.cli import main

HANG_S = 240
"""Far beyond what any of the lines takes, even on a busy machine."""
REFUSAL_S = 2
"""Of the processor: a refusal comes early, before any work."""
LONGEST = 1500
"""Characters of a refusal: what was typed is shortened."""
MEMORY = 8 * 2**30
"""Bytes of address space beyond what is taken: a slip must not take the machine's memory."""
NEEDS_A_LOOK = {"compare", "data", "doctor", "evaluate", "profile", "reproduce", "train"}
"""Commands that end with 1 if what they found needs a look."""


class HangError(BaseException):
    """Raised in the middle of a line that takes too long."""


class WorkBegan(BaseException):
    """Raised by what stands for long work: the line was accepted."""


@dataclass
class Outcome:
    """What came of a command line."""

    words: Sequence[str]
    code: int = 0
    seconds: float = 0
    """Of the processor."""
    out: str = ""
    err: str = ""
    raised: BaseException | None = None
    lost: list[str] = field(default_factory=list)
    """Stored files that have lost something."""

    @property
    def faults(self) -> list[str]:
        """Every law that was broken, in words."""
        return [*self._ending(), *self._message(), *self._text(), *self.lost]

    def _ending(self) -> Iterator[str]:
        if self.raised is not None:
            yield f"raised {place_of(self.raised)}"
        elif self.code not in (0, 1, 2) or (self.code == 1 and self.words[0] not in NEEDS_A_LOOK):
            yield f"exit code {self.code}: {self.err[-300:]!r}"
        if self.code == 2 and self.seconds > REFUSAL_S:
            yield f"refused after {self.seconds:.1f} s of the processor"

    def _message(self) -> Iterator[str]:
        if self.code != 2 or self.raised is not None:
            return
        lines = self.err.strip().splitlines() or [""]
        if "Usage:" not in self.err and not lines[-1].startswith("attnbench: "):
            yield f"no message at the end: {self.err[-300:]!r}"
        if len(lines[-1]) > LONGEST or ("Usage:" in self.err and len(self.err) > 2 * LONGEST):
            yield f"a message of {len(self.err):,} characters: {self.err[:200]!r}"

    def _text(self) -> Iterator[str]:
        if "Traceback" in self.err + self.out:
            yield f"a traceback is shown: {self.err[-300:]!r}"
        for name, text in (("output", self.out), ("error output", self.err)):
            strange = sorted({c for c in text if _controls(c)})
            if strange:
                yield f"{name} has control characters {strange}"


def _controls(character: str) -> bool:
    return character not in "\n\t" and (ord(character) < 32 or 127 <= ord(character) < 160)


def place_of(error: BaseException) -> str:
    """What was raised, and where in our code."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/attnbench/" in frame.filename] or frames
    where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "?"
    return f"{type(error).__name__} at {where}: {str(error)[:200]!r}"


def run(words: Sequence[str], capsys: Any, monkeypatch: Any) -> Outcome:
    """Run a command line in this process, with guards against hanging and taking all memory."""
    outcome = Outcome(words)
    monkeypatch.setattr(sys, "argv", ["attnbench", *words])
    sys.stderr.reconfigure(errors="backslashreplace")  # as Python's own is
    began = time.process_time()
    try:
        with _guarded():
            main()
    except WorkBegan:
        pass
    except SystemExit as stop:
        outcome.code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is a fault to be told
        outcome.raised = error
    outcome.seconds = time.process_time() - began
    outcome.out, outcome.err = capsys.readouterr()
    return outcome


@contextmanager
def _guarded() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise HangError(f"not done after {HANG_S} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, HANG_S)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

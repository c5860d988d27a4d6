"""What an executor runs, and how it tells the end of each job."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from attnbench.bounds import shortened_message

LOOK_EVERY_S = 0.5
GRACE_S = 60.0
"""For which a job that is asked to stop may still save what it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a job returns."""

    lines: bytes = b""
    """The records that it has written."""
    end: str = "done"
    """What became of its work, in the words of whoever made the job."""
    reason: str = ""
    notes: tuple[str, ...] = ()
    """What a user should know."""


Work = Callable[[], Answer]
"""What a job does, on any machine; it can be pickled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A piece of work with a name that no other job of its queue has."""

    name: str
    work: Work
    results: Path
    """The file that it writes its records to, one by one, so that they outlive it."""
    cells: int = 1
    """How many records it writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a job ended."""

    job: Job
    answer: Answer = Answer()
    lost: str = ""
    """Why it returned nothing; "" if it did."""


class Executor(Protocol):
    """Runs jobs on machines that it knows."""

    def run(
        self, jobs: Sequence[Job], on_wait: Callable[[], None] = lambda: None
    ) -> Generator[Ended]:
        """Each job as it ends, in any order.

        On closing, or when `on_wait` raises, what runs is asked to stop, and ended if it does not.

        Args:
            jobs: begun in their order.
            on_wait: called about twice a second.

        Raises:
            UserError: the engine cannot be reached, or does not take its options.
        """


def said_by(error: BaseException) -> str:
    """The kind of an error and its message in one line, for a reason."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {shortened_message(text)}" if text else type(error).__name__

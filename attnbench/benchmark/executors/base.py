"""What an executor runs, and how it tells the end of each job."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from attnbench.bounds import shortened_message

Work = Callable[[], bytes]
"""What a job does, on any machine: it can be pickled, and returns the lines of its records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A piece of work with a name that no other job of its queue has."""

    name: str
    work: Work
    cells: int = 1
    """How many records it writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a job ended."""

    job: Job
    lines: bytes = b""
    """What it returned."""
    lost: str = ""
    """Why it returned nothing; "" if it did."""


class Executor(Protocol):
    """Runs jobs on machines that it knows."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Ended]:
        """Each job as it ends, in any order. What has not ended is cancelled on closing.

        Raises:
            UserError: the engine cannot be reached, or does not take its options.
        """


def said_by(error: BaseException) -> str:
    """The kind of an error and its message in one line, for a reason."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {shortened_message(text)}" if text else type(error).__name__

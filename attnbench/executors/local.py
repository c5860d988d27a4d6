"""Jobs in processes of this machine, some at a time."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from attnbench import clocks
from attnbench.executors.base import GRACE_S, LOOK_EVERY_S, Answer, Ended, Job, Work, said_by
from attnbench.isolation.answers import JobConnection
from attnbench.isolation.failure import WorkLostError
from attnbench.isolation.spawned import SpawnedProcess

LOOK_AGAIN_S = 0.05
"""While processes that were asked to stop do so."""


@dataclass
class _Slot:
    """Room for one job at a time."""

    number: int
    process: SpawnedProcess | None = None
    job: Job | None = None

    def start(self, work: Work, job: Job) -> None:
        if self.process is None or not self.process.is_alive():
            self.end()
            self.process = SpawnedProcess(_serve, (), has_children=True)
        self.job = job
        self.process.send(work)

    def has_ended(self) -> bool:
        return self.process is not None and self.job is not None and self.process.has_answer()

    def end(self) -> None:
        if self.process is not None:
            self.process.end()
        self.process = self.job = None


class Local:
    """Runs each job in a process of its own, so that one that crashes costs itself."""

    def __init__(
        self,
        at_once: int,
        *,
        kept: bool = False,
        placed: Callable[[Work, int], Work] = lambda work, slot: work,
    ) -> None:
        """Nothing is started.

        Args:
            at_once: jobs that run at the same time.
            kept: whether a process takes further jobs after one that ended well: starting one takes
                seconds.
            placed: gives the work for one of the slots 0 … `at_once` - 1, such as on its own GPU.
        """
        self._at_once, self._kept, self._placed = at_once, kept, placed

    def run(
        self, jobs: Sequence[Job], on_wait: Callable[[], None] = lambda: None
    ) -> Generator[Ended]:
        """See `Executor.run`."""
        waiting = list(jobs)
        slots = [_Slot(number) for number in range(min(self._at_once, len(jobs)))]
        try:
            while waiting or any(slot.job for slot in slots):
                for slot in slots:
                    if waiting and slot.job is None:
                        job = waiting.pop(0)
                        slot.start(self._placed(job.work, slot.number), job)
                ended = [slot for slot in slots if slot.has_ended()]
                for slot in ended:
                    yield self._end(slot)
                on_wait()
                if not ended:
                    clocks.sleep(LOOK_EVERY_S)
        finally:
            _stop(slots)

    def _end(self, slot: _Slot) -> Ended:
        assert slot.process is not None
        assert slot.job is not None
        job, slot.job = slot.job, None
        try:
            ended = Ended(job=job, answer=slot.process.receive(None, ""))
        except WorkLostError as lost:
            ended = Ended(job=job, lost=lost.reason)
        if ended.lost or not self._kept:
            slot.end()
        return ended


def _stop(slots: Sequence[_Slot]) -> None:
    """Ask the processes at work to stop, and end those that do not."""
    busy = [slot for slot in slots if slot.job is not None]
    try:
        for slot in busy:
            if slot.process is not None:
                with suppress(OSError):
                    os.kill(slot.process.pid, signal.SIGTERM)
        deadline = clocks.monotonic() + GRACE_S
        while clocks.monotonic() < deadline and not all(slot.has_ended() for slot in busy):
            clocks.sleep(LOOK_AGAIN_S)
    finally:
        for slot in slots:
            slot.end()


def _serve(connection: JobConnection) -> None:
    """The process: does what it is sent, until the parent hangs up."""
    with suppress(EOFError):
        while True:
            connection.send(_answer(connection.recv()))


def _answer(work: Any) -> Answer | WorkLostError:
    try:
        answer: Answer = work()
    except Exception as error:  # noqa: BLE001 - costs this job, and no other
        return WorkLostError("failed", said_by(error))
    return answer

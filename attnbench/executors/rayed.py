"""Jobs on the machines of a Ray cluster."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from attnbench.errors import UserError
from attnbench.executors.base import GRACE_S, LOOK_EVERY_S, Answer, Ended, Job, Work, said_by

START_S = "300"
"""Seconds for which a cluster of this machine may start: a busy machine takes over a minute."""


class Rayed:
    """Runs each job as a task of Ray. A task that is lost is not tried again in the same run."""

    def __init__(self, options: Mapping[str, Any], *, address: str | None = None) -> None:
        """Nothing is started.

        Args:
            options: of each task, such as `num_gpus`.
            address: of a cluster that runs, such as "auto"; None starts one on this machine.
        """
        import ray

        self._ray, self._options, self._address = ray, options, address

    def run(
        self, jobs: Sequence[Job], on_wait: Callable[[], None] = lambda: None
    ) -> Generator[Ended]:
        """See `Executor.run`. A cluster that this program has reached already is used, and left."""
        ray = self._ray
        ours = not ray.is_initialized()
        try:
            if ours:
                os.environ.setdefault("RAY_raylet_start_wait_time_s", START_S)
                ray.init(address=self._address, log_to_driver=False, logging_level=logging.ERROR)
            task = ray.remote(_run).options(max_retries=0, **self._options)
            running = {task.remote(job.work): job for job in jobs}
        except Exception as error:  # the library raises what it likes
            if ours:
                ray.shutdown()
            raise UserError(f"--executor ray: {said_by(error)}") from error
        try:
            while running:
                ended, _ = ray.wait(list(running), timeout=LOOK_EVERY_S)
                for one in ended:
                    yield self._end(running.pop(one), one)
                on_wait()
        finally:
            self._stop(list(running))
            if ours:
                ray.shutdown()

    def _stop(self, running: list[Any]) -> None:
        """Interrupt tasks, which lets them save what they have, and end those that go on."""
        for one in running:
            self._ray.cancel(one)
        if running:
            _, late = self._ray.wait(running, num_returns=len(running), timeout=GRACE_S)
            for one in late:
                self._ray.cancel(one, force=True)

    def _end(self, job: Job, answer: Any) -> Ended:
        try:
            return Ended(job=job, answer=self._ray.get(answer))
        except Exception as error:  # noqa: BLE001 - whatever became of the task
            return Ended(job=job, lost=said_by(error))


def _run(work: Work) -> Answer:
    return work()

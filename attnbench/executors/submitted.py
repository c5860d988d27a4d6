"""Jobs under Slurm, through submitit; or as processes of this machine, to try a queue."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from attnbench import clocks
from attnbench.errors import UserError
from attnbench.executors.base import LOOK_EVERY_S, Ended, Job, said_by


class Submitted:
    """Runs each job as a job of Slurm, on a machine of its own if Slurm is asked for one.

    The folder of its files must be visible from all machines, as submitit demands.
    """

    def __init__(
        self, folder: Path, options: Mapping[str, Any], *, cluster: str = "slurm", at_once: int = 64
    ) -> None:
        """Check the options; nothing is submitted.

        Args:
            folder: where submitit keeps its pickles and logs.
            options: submitit's parameters, such as `slurm_partition` or `timeout_min`.
            cluster: "slurm", or "local" for processes of this machine.
            at_once: jobs that wait or run at the same time.

        Raises:
            UserError: there is no such cluster here, or it does not take an option.
        """
        import submitit

        self._at_once = at_once
        try:
            self._executor = submitit.AutoExecutor(folder=folder, cluster=cluster)
            self._executor.update_parameters(**{"name": "attnbench", **options})
        except Exception as error:  # the library raises what it likes
            with suppress(OSError):
                folder.rmdir()  # it has made one already
            raise UserError(f"--executor slurm: {said_by(error)}") from error

    def run(
        self, jobs: Sequence[Job], on_wait: Callable[[], None] = lambda: None
    ) -> Generator[Ended]:
        """See `Executor.run`."""
        waiting, running = list(jobs), list[tuple[Job, Any]]()
        try:
            while waiting or running:
                while waiting and len(running) < self._at_once:
                    job = waiting.pop(0)
                    running.append((job, self._executor.submit(job.work)))
                ended = [pair for pair in running if pair[1].done()]
                for pair in ended:
                    running.remove(pair)
                    yield _end(*pair)
                on_wait()
                if not ended:
                    clocks.sleep(LOOK_EVERY_S)
        finally:
            for _, submitted in running:
                with suppress(Exception):  # it may have ended meanwhile
                    submitted.cancel()


def _end(job: Job, submitted: Any) -> Ended:
    try:
        return Ended(job=job, answer=submitted.result())
    except Exception as error:  # noqa: BLE001 - whatever became of the job
        return Ended(job=job, lost=said_by(error))

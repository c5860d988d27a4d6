"""`attnbench reproduce --jobs N`, or `--executor slurm|ray`: models are counted by jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from attnbench.cli.executing import AtOnce
from attnbench.cli.jobs import files_of_jobs, stopping_jobs

if TYPE_CHECKING:
    from attnbench.cli.show.screen import Screen
    from attnbench.executors.base import Ended, Executor
    from attnbench.spec import ModelWorkload


@dataclass(frozen=True, slots=True, kw_only=True)
class CountElsewhere:
    """Counts models by jobs, into the file of the counts; see `reproduce.counting.CountFirst`."""

    path: Path
    executing: AtOnce
    plugins: tuple[str, ...]
    on_count: Callable[[int, int, str], None]
    screen: Screen

    def __call__(self, workloads: Sequence[ModelWorkload]) -> None:
        """Count.

        Raises:
            UserError: the engine cannot be used, or the file cannot be read or written.
            Stopped: a signal asked for it.
            typer.Exit: a job was lost (exit code 1); a second call counts what is missing.
        """
        from attnbench.executors.running import run_jobs
        from attnbench.reproduce.count_job import jobs_of
        from attnbench.reproduce.counting import missing

        lost: list[str] = []
        with (
            files_of_jobs(self.path, self.screen) as (folder, merged),
            stopping_jobs("the counts") as look,
        ):
            executor = self._executor(folder)
            jobs = jobs_of(missing(workloads, self.path), folder, self.plugins)
            done = count(1)

            def on_ended(ended: Ended) -> None:
                self.on_count(next(done), len(jobs), "counting models")
                if ended.lost:
                    lost.append(ended.job.name)
                    self.screen.say(f"job {ended.job.name} was lost: {ended.lost}")

            run_jobs(jobs, executor, merged, on_ended=on_ended, on_wait=look)
        if lost:
            print(f"{len(lost)} jobs were lost; run the same command again for their counts")
            raise typer.Exit(1)

    def _executor(self, folder: Path) -> Executor:
        from attnbench.executors.local import Local

        if self.executing.elsewhere:
            return self.executing.open(folder / "engine")
        return Local(self.executing.jobs or 1, kept=True)

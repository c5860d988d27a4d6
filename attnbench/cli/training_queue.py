"""A queue of `train`: each run is a job, in a process of this machine or of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import typer

from attnbench.cli.executing import AtOnce
from attnbench.cli.jobs import files_of_jobs, stopping_jobs
from attnbench.cli.threads import Threads
from attnbench.cli.training import Training, command_again
from attnbench.cores import available_cores

if TYPE_CHECKING:
    from attnbench.executors.base import Executor, Work
    from attnbench.executors.merging import Merged
    from attnbench.executors.told import State
    from attnbench.experiments.experiment import Experiment
    from attnbench.experiments.queue import Outcome, Planned
    from attnbench.experiments.training_job import TrainingJob
    from attnbench.records import Record

NOT_WELL = ("failed", "lost", "stopped")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingQueue:
    """The runs of one call that are trained as jobs."""

    training: Training
    executing: AtOnce
    devices: Sequence[str]
    """Of this machine, each for one run at a time; or the one of all machines."""
    threads: Threads
    plugins: tuple[str, ...]

    def work_through(self, queue: Sequence[Planned]) -> None:
        """Train all runs that have not ended, and store what they have written, even after Ctrl-C.

        Raises:
            UserError: the engine cannot be used, or the results cannot be read or written.
            Stopped: a signal asked for it.
            typer.Exit: a run did not end well (exit code 1).
        """
        from attnbench.cli.show.training import print_outcomes

        outcomes: list[Outcome] = []
        with files_of_jobs(self.training.out, self.training.screen) as (folder, merged):
            executor = self._executor(folder)
            try:
                self._run(queue, executor, folder, merged, outcomes)
            finally:
                print_outcomes(outcomes, len(queue))
        if any(outcome.end in NOT_WELL for outcome in outcomes):
            raise typer.Exit(1)

    def _run(
        self,
        queue: Sequence[Planned],
        executor: Executor,
        folder: Path,
        merged: Merged,
        outcomes: list[Outcome],
    ) -> None:
        from attnbench.cli.show.progress import several
        from attnbench.cli.show.training import print_done, print_outcome, run_state
        from attnbench.experiments.spread import jobs_left, work_through
        from attnbench.records import ModelRecord

        screen = self.training.screen

        def on_outcome(outcome: Outcome) -> None:
            outcomes.append(outcome)
            print_outcome(outcome, screen)

        def on_record(record: Record) -> None:
            if isinstance(record, ModelRecord):
                print_done(record, screen)

        def on_notes(planned: Planned, notes: Sequence[str]) -> None:
            for note in notes:
                screen.say(f"{planned.label}: {note}")

        with stopping_jobs("the runs") as look:

            def prepare(planned: Planned) -> Experiment:
                look()
                return self.training.prepare(planned)

            jobs = jobs_left(queue, prepare, lambda one: self._job(one, folder), on_outcome)
            with several(screen, "runs", len(queue)) as shown:

                def on_states(states: Mapping[Planned, State]) -> None:
                    look()
                    texts = {one.label: run_state(state, screen) for one, state in states.items()}
                    shown.show(texts, len(outcomes))

                work_through(
                    jobs, executor, merged, on_outcome=on_outcome, on_notes=on_notes,
                    on_record=on_record, on_states=on_states,
                )  # fmt: skip

    def _executor(self, folder: Path) -> Executor:
        from attnbench.executors.local import Local

        if self.executing.elsewhere:
            return self.executing.open(folder / "engine")
        return Local(self._at_once, placed=self._placed)

    @property
    def _at_once(self) -> int:
        """Runs at the same time on this machine."""
        return self.executing.jobs or len(self.devices)

    def _placed(self, work: Work, slot: int) -> Work:
        """A run on the device of a slot."""
        return replace(cast("TrainingJob", work), device=self.devices[slot % len(self.devices)])

    def _job(self, planned: Planned, folder: Path) -> TrainingJob:
        from attnbench.experiments.spread import job_file
        from attnbench.experiments.training_job import TrainingJob
        from attnbench.training.compiling import COMPILER

        running = self.training.running
        return TrainingJob(
            planned=planned, common=self.training.common, device=self.devices[0],
            results=job_file(folder, planned), folder=Path.cwd(), plugins=self.plugins,
            threads=self._threads(), save_every_s=60 * running.save_every,
            logs=tuple(running.logs), processes=self.training.nproc,
            sharded=self.training.sharded, compiler=COMPILER if running.compile else "",
            command=command_again(),
        )  # fmt: skip

    def _threads(self) -> int | None:
        """The threads of a run: those asked for, or torch's own number (None).

        Several runs on one processor share its cores.
        """
        import torch

        if self.threads.threads is not None:  # `auto` was tried in this process
            own = torch.get_num_threads()
            return int(self.threads.threads) if self.executing.elsewhere else own
        if self.executing.elsewhere or self._at_once == 1 or self.devices[0] != "cpu":
            return None
        return max(1, available_cores() // self._at_once)

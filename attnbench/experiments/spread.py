"""A queue of runs as jobs: what has not ended is run, wherever the executor has machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

from attnbench.executors.base import Ended, Executor, Job
from attnbench.executors.folder import new_file
from attnbench.executors.merging import Merged
from attnbench.executors.running import run_jobs
from attnbench.executors.told import State, told
from attnbench.experiments.experiment import Experiment
from attnbench.experiments.queue import End, Outcome, Planned, end_of, is_finished
from attnbench.experiments.training_job import TrainingJob
from attnbench.records import Record

OnStates = Callable[[Mapping[Planned, State]], None]
"""Called about twice a second with what the runs at work have told."""


def job_file(folder: Path, planned: Planned) -> Path:
    """A new file for the records of a run."""
    return new_file(folder, planned.model, planned.attention or "", f"seed{planned.seed}")


def jobs_left(
    queue: Sequence[Planned],
    prepare: Callable[[Planned], Experiment],
    job_of: Callable[[Planned], TrainingJob],
    on_outcome: Callable[[Outcome], None],
) -> dict[Planned, Job]:
    """The job of each run of a queue that has not ended.

    Args:
        queue: see `queue.plan`.
        prepare: opens the data of a run, and checks that its model can be built.
        job_of: the work of a run.
        on_outcome: called with what became of the others.
    """
    jobs: dict[Planned, Job] = {}
    for planned in queue:
        try:
            if is_finished(prepare(planned)):
                on_outcome(Outcome(planned=planned, end="already there"))
                continue
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are trained
            end, reason = end_of(error)
            on_outcome(Outcome(planned=planned, end=end, reason=reason))
            continue
        work = job_of(planned)
        jobs[planned] = Job(name=work.results.stem, work=work, results=work.results)
    return jobs


def work_through(
    jobs: Mapping[Planned, Job],
    executor: Executor,
    merged: Merged,
    *,
    on_outcome: Callable[[Outcome], None],
    on_notes: Callable[[Planned, Sequence[str]], None],
    on_record: Callable[[Record], None],
    on_states: OnStates,
) -> None:
    """Train runs, or go on with them.

    Args:
        jobs: see `jobs_left`.
        executor: what runs them.
        merged: the results file.
        on_outcome: called with what became of a run.
        on_notes: called with what a user should know of a run.
        on_record: called with each record that joined the results.
        on_states: see `OnStates`; what it raises stops the runs.

    Raises:
        UserError: the engine cannot be reached, or the results cannot be written.
    """
    planned_of = {job.name: planned for planned, job in jobs.items()}
    at_work = dict(jobs)

    def on_ended(ended: Ended) -> None:
        planned = planned_of[ended.job.name]
        del at_work[planned]
        if ended.answer.notes:
            on_notes(planned, ended.answer.notes)
        on_outcome(_outcome(planned, ended))

    def on_wait() -> None:
        states = {planned: told(job.results) for planned, job in at_work.items()}
        on_states({planned: state for planned, state in states.items() if state is not None})

    run_jobs(
        list(jobs.values()), executor, merged,
        on_record=on_record, on_ended=on_ended, on_wait=on_wait,
    )  # fmt: skip


def _outcome(planned: Planned, ended: Ended) -> Outcome:
    if ended.lost:
        return Outcome(planned=planned, end="lost", reason=ended.lost)
    answer = ended.answer
    return Outcome(planned=planned, end=cast(End, answer.end), reason=answer.reason)

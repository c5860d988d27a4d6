"""Run jobs by an executor, and merge what each has written, whatever became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from attnbench.executors.base import Ended, Executor, Job
from attnbench.executors.folder import remove
from attnbench.executors.merging import Merged
from attnbench.records import Record


def run_jobs(
    jobs: Sequence[Job],
    executor: Executor,
    merged: Merged,
    *,
    on_record: Callable[[Record], None] = lambda record: None,
    on_ended: Callable[[Ended], None] = lambda ended: None,
    on_wait: Callable[[], None] = lambda: None,
) -> None:
    """Run jobs, and merge what each has written, be it lost or not.

    If it is stopped, what the jobs at work have written is merged too. Their files stay: a job of
    another machine may be writing still.

    Args:
        jobs: each writes its own file as it goes.
        executor: what runs them.
        merged: the results file.
        on_record: called with each record that joined the results.
        on_ended: called with each job as it ends, after its records. A later call does again what
            was lost.
        on_wait: see `Executor.run`; what it raises stops the jobs.

    Raises:
        UserError: the engine cannot be reached, or the results cannot be written.
    """
    open_files = {job.results for job in jobs}

    def merge(lines: bytes) -> None:
        for record in merged.add(lines):
            on_record(record)

    try:
        with closing(executor.run(jobs, on_wait)) as ends:
            for ended in ends:
                merge(ended.answer.lines + b"\n" + _content(ended.job.results))
                remove(ended.job.results)
                open_files.remove(ended.job.results)
                on_ended(ended)
    finally:
        for file in sorted(open_files):
            merge(_content(file))


def _content(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""

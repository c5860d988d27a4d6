"""Counts as jobs: those of one model, with a file of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from attnbench.executors.base import Answer, Job
from attnbench.executors.folder import new_file
from attnbench.spec import ModelWorkload


@dataclass(frozen=True, slots=True, kw_only=True)
class CountJob:
    """Counts models one after another, and stores each count at once."""

    workloads: tuple[ModelWorkload, ...]
    results: Path
    """The file of this job."""
    plugins: tuple[str, ...] = ()

    def __call__(self) -> Answer:
        """Count; the answer has the records.

        Raises:
            UserError: a plug-in is missing on this machine.
        """
        import socket

        from attnbench.records import store
        from attnbench.registry import load_plugin
        from attnbench.reproduce import counting

        for source in self.plugins:
            load_plugin(source)
        lines = []
        for workload in self.workloads:
            record = replace(counting.count(workload), host=socket.gethostname())
            store.append(self.results, record)
            lines.append(store.text_of(record))
        return Answer(lines="\n".join(lines).encode())


def jobs_of(
    workloads: Sequence[ModelWorkload], folder: Path, plugins: tuple[str, ...] = ()
) -> list[Job]:
    """A job for each model: counting one takes seconds, and one that crashes costs itself.

    Args:
        workloads: what is to be counted.
        folder: of the files of jobs.
        plugins: what `--plugin` named.
    """
    groups = groupby(workloads, key=lambda workload: workload.model)
    return [_job(tuple(group), folder, plugins) for _, group in groups]


def _job(workloads: tuple[ModelWorkload, ...], folder: Path, plugins: tuple[str, ...]) -> Job:
    results = new_file(folder, workloads[0].model)
    work = CountJob(workloads=workloads, results=results, plugins=plugins)
    return Job(name=results.stem, work=work, results=results, cells=len(workloads))

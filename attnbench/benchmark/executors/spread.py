"""A sweep as jobs: one for each comparison, run wherever the executor has machines.

Which cells are there already is decided without this machine, which may have no GPU and other
software than those that measure: a record settles a cell if workload, protocol, kind of device and
code are the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from attnbench.benchmark.executors.base import Executor, Job
from attnbench.benchmark.executors.merging import Merged
from attnbench.benchmark.executors.sweep_job import SweepJob
from attnbench.benchmark.subject import subject_of
from attnbench.records import CostRecord, is_settled
from attnbench.spec import AnyWorkload, Protocol, identity
from attnbench.spec.plain import as_plain, json_in_order

SUFFIX = ".jobs"
"""Of the folder beside the results that holds the files of jobs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the jobs of a sweep measure."""

    protocol: Protocol
    device: str
    plugins: tuple[str, ...] = ()
    timeout_s: float | None = None
    threads: int | None = None


def jobs_folder(out: Path) -> Path:
    """The folder of the files of jobs, beside the results."""
    return out.absolute().with_name(out.name + SUFFIX)


def jobs_of(
    workloads: Sequence[AnyWorkload], settings: Settings, out: Path, settled: Sequence[CostRecord]
) -> list[Job]:
    """A job for each comparison of which a cell is missing; it measures the missing ones.

    Args:
        workloads: the cells, those of a comparison together.
        settings: how they are measured.
        out: the results file; the files of the jobs lie beside it.
        settled: records that may be of these cells.
    """
    device = settings.device.partition(":")[0]
    known = {
        (identity(one.workload), one.protocol, one.environment.device, one.environment.code)
        for one in settled
        if is_settled(one)
    }

    def cell(workload: AnyWorkload) -> Hashable:
        code = subject_of(workload).code
        return identity(workload), settings.protocol, device, code

    missing = [workload for workload in workloads if cell(workload) not in known]
    groups = groupby(missing, key=lambda workload: workload.comparison())
    return [_job(tuple(group), settings, jobs_folder(out)) for _, group in groups]


def _job(workloads: tuple[AnyWorkload, ...], settings: Settings, folder: Path) -> Job:
    """Its name is the same in a later run, so that what a crash left behind is found again."""
    plain = [json_in_order(as_plain(one)) for one in (*workloads, settings.protocol)]
    digest = hashlib.sha256(" ".join((*plain, settings.device)).encode()).hexdigest()[:12]
    work = SweepJob(
        workloads=workloads, protocol=settings.protocol, device=settings.device,
        results=folder / f"{digest}.jsonl", plugins=settings.plugins,
        timeout_s=settings.timeout_s, threads=settings.threads,
    )  # fmt: skip
    return Job(name=digest, work=work, cells=len(workloads))


def run_jobs(
    jobs: Sequence[Job],
    executor: Executor,
    merged: Merged,
    folder: Path,
    *,
    on_record: Callable[[CostRecord], None] = lambda record: None,
    on_lost: Callable[[Job, str], None] = lambda job, reason: None,
) -> None:
    """Run jobs, and merge what each has measured, be it lost or not.

    Args:
        jobs: each writes `folder`/NAME.jsonl as it goes.
        executor: what runs them.
        merged: the results file.
        folder: of the files of jobs.
        on_record: called with each record that joined the results.
        on_lost: called with a job that returned nothing, and why. A later run measures what is
            missing.

    Raises:
        UserError: the engine cannot be reached, or the results cannot be written.
    """
    for ended in executor.run(jobs):
        file = folder / f"{ended.job.name}.jsonl"
        left = file.read_bytes() if file.exists() else b""
        for record in merged.add(ended.lines + b"\n" + left):
            on_record(record)
        file.unlink(missing_ok=True)
        if ended.lost:
            on_lost(ended.job, ended.lost)


def merge_leftovers(merged: Merged, folder: Path) -> list[CostRecord]:
    """Merge the files of jobs whose sweep was itself stopped, and remove them."""
    new: list[CostRecord] = []
    for file in sorted(folder.glob("*.jsonl")):
        new += merged.add(file.read_bytes())
        file.unlink()
    return new

"""A sweep as jobs: one for each comparison, run wherever the executor has machines.

Which cells are there already is decided without this machine, which may have no GPU and other
software than those that measure: a record settles a cell if workload, protocol, kind of device and
code are the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from attnbench.benchmark.subject import subject_of
from attnbench.benchmark.sweep_job import SweepJob
from attnbench.executors.base import Job
from attnbench.executors.folder import jobs_folder
from attnbench.records import CostRecord, Record, is_settled, of_type
from attnbench.spec import AnyWorkload, Protocol, identity
from attnbench.spec.plain import as_plain, json_in_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the jobs of a sweep measure."""

    protocol: Protocol
    device: str
    plugins: tuple[str, ...] = ()
    timeout_s: float | None = None
    threads: int | None = None


def jobs_of(
    workloads: Sequence[AnyWorkload], settings: Settings, out: Path, settled: Sequence[Record]
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
        for one in of_type(settled, CostRecord)
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
    return Job(name=digest, work=work, results=work.results, cells=len(workloads))

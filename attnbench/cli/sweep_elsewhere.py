"""`attnbench sweep --executor slurm|ray`: the cells as jobs of other machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attnbench.cli.executing import Executing
from attnbench.cli.jobs import files_of_jobs
from attnbench.cli.threads import Threads

if TYPE_CHECKING:
    from attnbench.benchmark.spread import Settings
    from attnbench.executors.base import Ended, Executor, Job
    from attnbench.executors.merging import Merged
    from attnbench.records import Record
    from attnbench.spec import AnyWorkload, Protocol


def settings_of(
    protocol: Protocol, device: str, threads: Threads, timeout_s: float, plugins: list[str] | None
) -> Settings:
    """How the jobs measure, by the options of the command."""
    from attnbench.benchmark.spread import Settings

    return Settings(
        protocol=protocol, device=device, plugins=tuple(plugins or ()), timeout_s=timeout_s,
        threads=int(threads.threads) if threads.threads else None,
    )  # fmt: skip


def sweep_elsewhere(
    workloads: Sequence[AnyWorkload],
    settings: Settings,
    executing: Executing,
    out: Path,
    *,
    force: bool,
    dry_run: bool,
) -> None:
    """Run the comparisons of which a cell is missing as jobs, and merge their records into `out`.

    Raises:
        UserError: the engine cannot be used, or the results cannot be read or written.
        SystemExit: a job was lost (exit code 1); a second run measures what is missing.
    """
    from attnbench.benchmark.spread import jobs_of
    from attnbench.cli.show.screen import Screen
    from attnbench.executors.merging import Merged

    if dry_run:
        jobs = jobs_of(workloads, settings, out, [] if force else Merged(out).records)
        cells = sum(job.cells for job in jobs)
        there = len(workloads) - cells
        print(f"{len(jobs)} jobs would measure {cells} cells; {there} are already there")
        return
    with files_of_jobs(out, Screen(stderr=True)) as (folder, merged):
        executor = executing.open(folder / "engine")
        jobs = jobs_of(workloads, settings, out, [] if force else merged.records)
        outcome, lost = _run(jobs, executor, merged)
    outcome["already there"] = len(workloads) - sum(job.cells for job in jobs)
    counts = ", ".join(f"{count} {name}" for name, count in outcome.items() if count)
    print(f"{len(workloads)} cells: {counts or 'none done'}; stored in {out}")
    if lost:
        print(f"{lost} jobs were lost; run the same command again for their cells")
        raise SystemExit(1)


def _run(jobs: Sequence[Job], executor: Executor, merged: Merged) -> tuple[Counter[str], int]:
    """Run the jobs with a progress bar: the cells by what became of them, and the jobs lost."""
    from attnbench.cli.show.progress import steps
    from attnbench.cli.show.screen import Screen
    from attnbench.executors.running import run_jobs

    screen, outcome, lost = Screen(stderr=True), Counter[str](), list[str]()
    with steps(screen, "sweep", sum(job.cells for job in jobs)) as shown:

        def on_record(record: Record) -> None:
            outcome[record.status.replace("_", " ")] += 1
            shown.advance()

        def on_ended(ended: Ended) -> None:
            if ended.lost:
                lost.append(ended.job.name)
                screen.say(f"job {ended.job.name} was lost: {ended.lost}")

        run_jobs(jobs, executor, merged, on_record=on_record, on_ended=on_ended)
    return outcome, len(lost)

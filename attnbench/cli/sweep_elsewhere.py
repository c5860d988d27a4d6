"""`attnbench sweep --executor slurm|ray`: the cells as jobs of other machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attnbench.cli.executing import Executing
from attnbench.cli.threads import Threads

if TYPE_CHECKING:
    from attnbench.benchmark.executors.base import Executor, Job
    from attnbench.benchmark.executors.merging import Merged
    from attnbench.benchmark.executors.spread import Settings
    from attnbench.records import CostRecord
    from attnbench.spec import AnyWorkload, Protocol


def settings_of(
    protocol: Protocol, device: str, threads: Threads, timeout_s: float, plugins: list[str] | None
) -> Settings:
    """How the jobs measure, by the options of the command."""
    from attnbench.benchmark.executors.spread import Settings

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
    from attnbench.benchmark.executors import spread
    from attnbench.benchmark.executors.merging import Merged
    from attnbench.cli.show.screen import Screen

    folder, merged = spread.jobs_folder(out), Merged(out)
    left = [] if dry_run else spread.merge_leftovers(merged, folder)
    if left:
        Screen(stderr=True).say(f"{len(left)} records of an earlier run's jobs joined {out}")
    jobs = spread.jobs_of(workloads, settings, out, [] if force else merged.records)
    cells = sum(job.cells for job in jobs)
    there = len(workloads) - cells
    if dry_run:
        print(f"{len(jobs)} jobs would measure {cells} cells; {there} are already there")
        return
    outcome, lost = _run(jobs, cells, executing.open(folder / "engine"), merged, folder)
    outcome["already there"] = there
    counts = ", ".join(f"{count} {name}" for name, count in outcome.items() if count)
    print(f"{len(workloads)} cells: {counts or 'none done'}; stored in {out}")
    if lost:
        print(f"{lost} jobs were lost; run the same command again for their cells")
        raise SystemExit(1)


def _run(
    jobs: Sequence[Job], cells: int, executor: Executor, merged: Merged, folder: Path
) -> tuple[Counter[str], int]:
    """Run the jobs with a progress bar: the cells by what became of them, and the jobs lost."""
    from attnbench.benchmark.executors.spread import run_jobs
    from attnbench.cli.show.progress import steps
    from attnbench.cli.show.screen import Screen

    screen, outcome, lost = Screen(stderr=True), Counter[str](), list[str]()
    with steps(screen, "sweep", cells) as shown:

        def on_record(record: CostRecord) -> None:
            outcome[record.status.replace("_", " ")] += 1
            shown.advance()

        def on_lost(job: Job, reason: str) -> None:
            lost.append(job.name)
            screen.say(f"job {job.name} was lost: {reason}")

        run_jobs(jobs, executor, merged, folder, on_record=on_record, on_lost=on_lost)
    return outcome, len(lost)

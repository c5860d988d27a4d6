"""`attnbench sweep --executor slurm|ray`: the cells as jobs of other machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attnbench.cli.executing import Executing

if TYPE_CHECKING:
    from attnbench.benchmark.executors.base import Job
    from attnbench.benchmark.executors.spread import Settings
    from attnbench.records import CostRecord
    from attnbench.spec import AnyWorkload


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
    from attnbench.benchmark.executors.merging import Merged
    from attnbench.benchmark.executors.spread import (
        jobs_folder,
        jobs_of,
        merge_leftovers,
        run_jobs,
    )  # fmt: skip
    from attnbench.cli.show.progress import steps
    from attnbench.cli.show.screen import Screen

    screen, folder = Screen(stderr=True), jobs_folder(out)
    merged = Merged(out)
    left = [] if dry_run else merge_leftovers(merged, folder)
    if left:
        screen.say(f"{len(left)} records of an earlier run's jobs joined {out}")
    jobs = jobs_of(workloads, settings, out, [] if force else merged.records)
    cells = sum(job.cells for job in jobs)
    there = len(workloads) - cells
    if dry_run:
        print(f"{len(jobs)} jobs would measure {cells} cells; {there} are already there")
        return
    outcome: Counter[str] = Counter({"already there": there})
    lost: list[str] = []
    with steps(screen, "sweep", cells) as shown:

        def on_record(record: CostRecord) -> None:
            outcome[record.status.replace("_", " ")] += 1
            shown.advance()

        def on_lost(job: Job, reason: str) -> None:
            lost.append(f"job {job.name} was lost: {reason}")
            screen.say(lost[-1])

        run_jobs(
            jobs, executing.open(folder / "engine"), merged, folder,
            on_record=on_record, on_lost=on_lost,
        )  # fmt: skip
    counts = ", ".join(f"{count} {name}" for name, count in outcome.items() if count)
    print(f"{len(workloads)} cells: {counts or 'none done'}; stored in {out}")
    if lost:
        print(f"{len(lost)} jobs were lost; run the same command again for their cells")
        raise SystemExit(1)

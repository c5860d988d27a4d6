"""`attnbench sweep`: measure a grid of cells and store each at once; a second run resumes."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attnbench.cli import options
from attnbench.cli.cells import CROSSED, Cells, Measuring
from attnbench.cli.executing import Executing
from attnbench.cli.grouped import grouped
from attnbench.cli.options import RUNS
from attnbench.cli.places import try_file
from attnbench.cli.threads import Threads

if TYPE_CHECKING:
    import torch

    from attnbench.benchmark.shared_file import SharedFile
    from attnbench.benchmark.sweep import PlannedCell
    from attnbench.benchmark.worker import Worker
    from attnbench.records import CostRecord
    from attnbench.spec import AnyWorkload, Protocol


Force = Annotated[bool, typer.Option("--force", help="Measure again what the file already holds.")]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="List what would run and what cannot; run and store nothing."),
]
Timeout = Annotated[
    float, options.number("timeout", "Give up a cell after this many seconds without progress.")
]


ALREADY_THERE = "already there"
"""Cells of an earlier sweep, in the summary."""


@grouped
def command(
    cells: Cells,
    measuring: Measuring,
    threads: Threads,
    executing: Executing,
    out: options.Out = RUNS / "sweep.jsonl",
    force: Force = False,
    dry_run: DryRun = False,
    timeout: Timeout = 300,
    plugin: options.Plugin = None,
) -> None:
    """Measure every attention at every size and option; a second run measures what is missing.

    The default sizes are images of 224, 384 and 512 pixels. --batch, --dim, --heads, --dtype,
    --mode and --seed take several values, separated by commas; all combinations are measured.
    With --models, whole models are measured instead.

    Cells of one size are sampled in turn, in a separate process. A cell that crashes, hangs or
    runs out of memory is stored with the reason; the other cells still run. Several sweeps that
    write to one file share its cells.
    """
    from attnbench.cli.show.progress import status
    from attnbench.cli.show.screen import Screen

    screen = Screen(stderr=True)
    executing.check(measuring.device, threads)
    if not dry_run:
        try_file(out)
    with status(screen, "loading torch"):
        protocol = measuring.protocol(warmup_s=0.1)
        workloads = cells.workloads(resolution="224,384,512")

        from attnbench.benchmark.shared_file import SharedFile
        from attnbench.benchmark.sweep import plan
        from attnbench.benchmark.worker import Worker
        from attnbench.profiling.machine.environment import choose_device, device_named

    if executing.elsewhere:
        from attnbench.cli.sweep_elsewhere import settings_of, sweep_elsewhere

        settings = settings_of(protocol, measuring.device, threads, timeout, plugin)
        sweep_elsewhere(workloads, settings, executing, out, force=force, dry_run=dry_run)
        return
    device = device_named(measuring.device) if dry_run else choose_device(measuring.device)
    worker = Worker(str(device), plugin or (), timeout)
    threads.take(screen)
    if dry_run:
        settled = {} if force else _settled_records(out)
        _print_plan(plan(workloads, protocol, device, settled))
        return
    with SharedFile(out) as shared:  # before the file is read, so that no record is missed
        settled = {} if force else _settled_records(out)
        _run(workloads, protocol, device, worker, settled, out, shared)
        known = {**settled, **shared.stored_since()}
    if cells.wants_best:
        _print_best(workloads, protocol, device, known)


def _run(
    workloads: Sequence[AnyWorkload],
    protocol: Protocol,
    device: torch.device,
    worker: Worker,
    settled: Mapping[str, CostRecord],
    out: Path,
    shared: SharedFile,
) -> None:
    """Sweep with a progress bar, store each record, and print a summary, even after Ctrl-C."""
    from attnbench.benchmark.recorder import Recorder
    from attnbench.benchmark.sweep import sweep
    from attnbench.cli.show.progress import steps
    from attnbench.cli.show.screen import Screen

    outcome: Counter[str] = Counter()
    keep = Recorder(out, "sweep").keep
    try:
        with worker, steps(Screen(stderr=True), "sweep", len(workloads)) as shown:

            def on_record(record: CostRecord) -> None:
                keep(record)
                outcome[record.status] += 1

            def on_cell(skipped: bool) -> None:
                if skipped:
                    outcome[ALREADY_THERE] += 1
                shown.advance()

            sweep(
                workloads,
                protocol,
                device,
                measure=worker.measure,
                settled=settled,
                on_record=on_record,
                on_cell=on_cell,
                on_step=shown.update,
                shared=shared,
            )
    finally:
        anything = any(status != ALREADY_THERE for status in outcome)
        where = f"stored in {out}" if anything else "nothing new was stored"
        print(f"{len(workloads)} cells: {_summary(outcome)}; {where}")


def _print_best(
    workloads: Sequence[AnyWorkload],
    protocol: Protocol,
    device: torch.device,
    known: Mapping[str, CostRecord],
) -> None:
    """Print the fastest implementation of each mechanism, with notes on the others."""
    from attnbench.analysis.selection.fastest import fastest_of_each
    from attnbench.benchmark.runner import open_record
    from attnbench.cli.show.layers import print_layers
    from attnbench.cli.show.screen import Screen

    for _, compared in groupby(workloads, key=lambda workload: workload.comparison()):
        keys = [open_record(workload, protocol, device).key for workload in compared]
        shown, left_out = fastest_of_each([known[key] for key in keys if key in known])
        print_layers(shown, Screen(), left_out)


def _print_plan(cells: Sequence[PlannedCell]) -> None:
    """Print one line per cell, and a count."""
    outlooks: Counter[str] = Counter()
    varied = _varied([cell.workload for cell in cells])
    for cell in cells:
        outlook, reason = _outlook(cell)
        outlooks[outlook] += 1
        facts = "".join(f", {name} {getattr(cell.workload, name)}" for name in varied)
        print(f"{outlook:<13}  {cell.name}{facts}" + (f": {reason}" if reason else ""))
    print(f"{len(cells)} cells: {_summary(outlooks)}; nothing was run or stored")


def _varied(workloads: Sequence[AnyWorkload]) -> list[str]:
    """Names of the crossed fields with more than one value."""
    values = {name: {getattr(one, name, None) for one in workloads} for name in CROSSED}
    return [name for name, found in values.items() if len(found) > 1]


def _outlook(cell: PlannedCell) -> tuple[str, str]:
    """What a sweep would do with the cell, and the reason."""
    if cell.known is not None:
        return "already there", cell.known.reason
    return ("would run", "") if cell.verdict is None else ("cannot run", cell.verdict[1])


def _summary(outcome: Counter[str]) -> str:
    counts = [f"{count} {name.replace('_', ' ')}" for name, count in outcome.items() if count]
    return ", ".join(counts) or "none done"


def _settled_records(out: Path) -> dict[str, CostRecord]:
    """The records in the file whose cells need not be measured again, by key."""
    from attnbench.records import is_settled, store

    if not out.exists():
        return {}
    contents = store.read(out)
    for problem in contents.problems:
        print(problem, file=sys.stderr)
    return {record.key: record for record in contents.costs if is_settled(record)}

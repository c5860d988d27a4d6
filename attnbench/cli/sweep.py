"""`attnbench sweep`: a grid of cells, isolated, written one by one, resumed by default."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attnbench.cli import options
from attnbench.cli.options import RUNS

if TYPE_CHECKING:
    import torch

    from attnbench.benchmark.sweep import PlannedCell
    from attnbench.benchmark.worker import Worker
    from attnbench.records import CostRecord
    from attnbench.spec import Protocol, Workload


Resolutions = Annotated[
    str | None,
    typer.Option(
        help="Image sizes, as 224,384 or 512x2048. [default: 224,384,512]", show_default=False
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Measure again what the file holds already.")]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Say what would run and what cannot; run and store nothing."),
]
Timeout = Annotated[
    float, typer.Option(help="Seconds without progress after which a cell is given up.")
]


def command(
    attention: options.Attention = "dense,window,sparse,anchor",
    n_tokens: options.NTokens = None,
    resolutions: Resolutions = None,
    patch: options.Patch = 16,
    anchors: options.Anchors = "30",
    dim: options.Dim = 192,
    heads: options.Heads = 3,
    batch: options.Batch = 1,
    dtype: options.DTypeName = "float32",
    device: options.Device = "auto",
    mode: options.Mode = "forward",
    impl: options.Impl = None,
    precision: options.Precision = 0.01,
    time_budget: options.TimeBudget = 2,
    cache: options.Cache = "auto",
    energy: options.Energy = False,
    out: options.Out = RUNS / "sweep.jsonl",
    force: Force = False,
    dry_run: DryRun = False,
    timeout: Timeout = 300,
    plugin: options.Plugin = None,
) -> None:
    """Measure every attention at every size and anchor count; a second run does what is missing.

    Cells of one size are sampled in turn, in a process of their own: one that crashes, hangs or
    runs out of memory is stored with its reason and costs no other.
    """
    from rich.console import Console

    if n_tokens is None and resolutions is None:
        resolutions = "224,384,512"
    grids = options.grids(n_tokens, resolutions, patch, default="")
    with Console(stderr=True).status("loading torch"):
        from attnbench.benchmark.runner import open_record
        from attnbench.benchmark.sweep import plan
        from attnbench.benchmark.worker import Worker
        from attnbench.profiling.machine.environment import choose_device, device_named

        workloads = options.workloads(
            attention, grids, anchors, impl,
            dim=dim, num_heads=heads, batch=batch, dtype=dtype, mode=mode,
        )  # fmt: skip
        protocol = options.protocol(
            warmup_s=0.1, precision=precision, time_budget_s=time_budget, cache=cache, energy=energy
        )
        settled = {} if force else _settled_records(out)
        chosen = device_named(device) if dry_run else choose_device(device)
        worker = Worker(str(chosen), plugin or (), timeout)
    if dry_run:
        _print_plan(plan(workloads, protocol, chosen, settled))
        return
    new = _run(workloads, protocol, chosen, worker, settled, out)
    if options.wants_best(impl):
        known = {**settled, **{record.key: record for record in new}}
        _print_best([known.get(open_record(w, protocol, chosen).key) for w in workloads])


def _run(
    workloads: Sequence[Workload],
    protocol: Protocol,
    device: torch.device,
    worker: Worker,
    settled: Mapping[str, CostRecord],
    out: Path,
) -> list[CostRecord]:
    """Sweep behind a progress bar, store each record, and say what came of it, also at Ctrl-C.

    Returns:
        The new records.
    """
    from rich.console import Console

    from attnbench.benchmark.recorder import Recorder
    from attnbench.benchmark.sweep import sweep
    from attnbench.cli.show.progress import bar

    outcome: Counter[str] = Counter()
    records: list[CostRecord] = []
    keep = Recorder(out, "sweep").keep
    try:
        with worker, bar(Console(stderr=True)) as progress:
            task = progress.add_task("sweep", total=len(workloads))

            def on_record(record: CostRecord) -> None:
                records.append(keep(record))
                outcome[record.status] += 1

            def on_cell(skipped: bool) -> None:
                outcome["already there"] += skipped
                progress.advance(task)

            sweep(
                workloads,
                protocol,
                device,
                measure=worker.measure,
                settled=settled,
                on_record=on_record,
                on_cell=on_cell,
                on_step=lambda text: progress.update(task, description=text),
            )
    finally:
        print(f"{len(workloads)} cells: {_summary(outcome)}; stored in {out}")
    return records


def _print_best(records: Sequence[CostRecord | None]) -> None:
    """The fastest implementation of each mechanism at each size, the others named beneath."""
    from rich.console import Console

    from attnbench.analysis.selection.fastest import fastest_of_each
    from attnbench.cli.show.layers import print_layers

    shown, left_out = fastest_of_each([record for record in records if record is not None])
    print_layers(shown, Console(), left_out)


def _print_plan(cells: Sequence[PlannedCell]) -> None:
    """One line a cell, and a count."""
    outlooks: Counter[str] = Counter()
    for cell in cells:
        outlook, reason = _outlook(cell)
        outlooks[outlook] += 1
        print(f"{outlook:<13}  {cell.name}" + (f": {reason}" if reason else ""))
    print(f"{len(cells)} cells: {_summary(outlooks)}; nothing was run or stored")


def _outlook(cell: PlannedCell) -> tuple[str, str]:
    """What a sweep would do with the cell, and why."""
    if cell.known is not None:
        return "already there", cell.known.reason
    return ("would run", "") if cell.verdict is None else ("cannot run", cell.verdict[1])


def _summary(outcome: Counter[str]) -> str:
    counts = [f"{count} {name.replace('_', ' ')}" for name, count in outcome.items() if count]
    return ", ".join(counts) or "none done"


def _settled_records(out: Path) -> dict[str, CostRecord]:
    """The records in the file whose cells need no measuring again, by key."""
    from attnbench.records import is_settled, store

    if not out.exists():
        return {}
    contents = store.read(out)
    for problem in contents.problems:
        print(problem, file=sys.stderr)
    return {record.key: record for record in contents.costs if is_settled(record)}

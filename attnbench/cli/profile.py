"""`attnbench profile`: measure attentions or models side by side."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attnbench.cli import options
from attnbench.cli.cells import Cells, Measuring
from attnbench.cli.grouped import grouped
from attnbench.cli.options import CEILINGS, RUNS
from attnbench.cli.places import try_file
from attnbench.cli.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from attnbench.benchmark.runner import OnStep
    from attnbench.benchmark.worker import Worker
    from attnbench.cli.show.screen import Screen
    from attnbench.records import CostRecord
    from attnbench.spec import AnyWorkload, Protocol

Details = Annotated[
    bool, typer.Option("--details", help="Also show percentiles, throughput, first call, kernel.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the records as JSON.")]


@grouped
def command(
    cells: Cells,
    measuring: Measuring,
    threads: Threads,
    out: options.Out = RUNS / "profile.jsonl",
    details: Details = False,
    as_json: AsJson = False,
    plugin: options.Plugin = None,
) -> None:
    """Measure attentions side by side: parameters, MACs, latency, memory, speed-up over dense.

    The default size is 4,096 tokens. With --model, whole models are measured instead.

    The work is done in a separate process. A cell that ends it is shown and stored with the
    reason, the others are measured all the same, and the exit code is 1.
    """
    from attnbench.benchmark.worker import Worker, started
    from attnbench.cli.show.progress import status
    from attnbench.cli.show.screen import Screen, json_text
    from attnbench.records import store

    progress = Screen(stderr=True)
    cells.refuse_several()
    try_file(out)
    protocol = measuring.protocol()
    with ExitStack() as processes:
        first = None
        if not threads.change_anything:  # a process takes over threads and cores when it starts
            first = processes.enter_context(started())
        with status(progress, "loading torch"):
            workloads = cells.workloads(n_tokens="4096")

            from attnbench.profiling.machine.environment import choose_device

            device = choose_device(measuring.device)
        threads.take(progress)
        worker = processes.enter_context(Worker(str(device), plugin or (), process=first))
        records, lost = _measured(workloads, protocol, device, worker, out, progress)
    if as_json:
        print(json_text([store.encode(record) for record in records]))
    else:
        _show(records, details, best=cells.wants_best)
        print(f"\nStored in {out}; `attnbench report` shows it.")
    if lost:
        _tell_lost(records, lost)
        raise typer.Exit(1)


def _measured(
    workloads: Sequence[AnyWorkload],
    protocol: Protocol,
    device: torch.device,
    worker: Worker,
    out: Path,
    progress: Screen,
) -> tuple[list[CostRecord], list[AnyWorkload]]:
    """Measure all of one size in turn, and store each record.

    Returns:
        The records as they were stored, and the cells that ended the process.
    """
    from attnbench.benchmark.recorder import Recorder
    from attnbench.benchmark.sweep import sweep
    from attnbench.cli.show.progress import status
    from attnbench.isolation.failure import WorkLostError

    records: list[CostRecord] = []
    lost: list[AnyWorkload] = []
    keep = Recorder(out, "profile").keep

    def measure(
        some: Sequence[AnyWorkload], protocol: Protocol, on_step: OnStep
    ) -> list[CostRecord]:
        try:
            return worker.measure(some, protocol, on_step)
        except WorkLostError:
            if len(some) == 1:  # together with others it gets another try
                lost.extend(some)
            raise

    with status(progress, "measuring") as shown:
        sweep(
            workloads,
            protocol,
            device,
            measure=measure,
            on_record=lambda record: records.append(keep(record)),
            on_step=shown.update,
            together=lambda workload: workload.size,
        )
    return records, lost


def _tell_lost(records: Sequence[CostRecord], lost: Sequence[AnyWorkload]) -> None:
    """Say on standard error which cells ended the process, and how."""
    from attnbench.benchmark.subject import subject_of

    for record in records:
        if record.workload in lost:
            name = subject_of(record.workload).name
            print(f"attnbench: {name} ended its process: {record.reason}", file=sys.stderr)


def _show(records: Sequence[CostRecord], details: bool, *, best: bool) -> None:
    """Print the tables; with `best` only the fastest implementations, with notes on the others."""
    from attnbench.analysis.selection.fastest import fastest_of_each
    from attnbench.cli.show.details import print_details
    from attnbench.cli.show.layers import print_layers
    from attnbench.cli.show.models import print_models
    from attnbench.cli.show.screen import Screen
    from attnbench.records import LayerRecord, ModelRecord, of_type, store

    screen = Screen()
    layers = of_type(records, LayerRecord)
    shown, left_out = fastest_of_each(layers) if best else (layers, [])
    print_layers(shown, screen, left_out)
    print_models(of_type(records, ModelRecord), screen)
    if details:
        known = store.read(CEILINGS).ceilings if CEILINGS.exists() else []
        print_details([*shown, *of_type(records, ModelRecord)], screen, known)

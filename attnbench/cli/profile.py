"""`attnbench profile`: measure attentions or models side by side."""

from __future__ import annotations

import json
from itertools import groupby
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

    from attnbench.records import CostRecord

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
    """
    from rich.console import Console

    progress = Console(stderr=True)
    cells.refuse_several()
    try_file(out)
    with progress.status("loading torch"):
        protocol = measuring.protocol()
        workloads = cells.workloads(n_tokens="4096")

        from attnbench.benchmark.recorder import Recorder
        from attnbench.benchmark.runner import profile
        from attnbench.profiling.machine.environment import choose_device
        from attnbench.records import store

        device = choose_device(measuring.device)
    threads.take(progress)
    records: list[CostRecord] = []
    keep = Recorder(out, "profile").keep
    with progress.status("measuring") as status:
        for _, of_one_size in groupby(workloads, key=lambda workload: workload.size):
            profile(
                list(of_one_size),
                protocol,
                device,
                on_record=lambda record: records.append(keep(record)),
                on_step=status.update,
            )
    if as_json:
        print(json.dumps([store.encode(record) for record in records], indent=2))
    else:
        _show(records, details, best=cells.wants_best)
        print(f"\nStored in {out}; `attnbench report` shows it.")


def _show(records: Sequence[CostRecord], details: bool, *, best: bool) -> None:
    """Print the tables; with `best` only the fastest implementations, with notes on the others."""
    from rich.console import Console

    from attnbench.analysis.selection.fastest import fastest_of_each
    from attnbench.cli.show.details import print_details
    from attnbench.cli.show.layers import print_layers
    from attnbench.cli.show.models import print_models
    from attnbench.records import LayerRecord, ModelRecord, of_type, store

    console = Console()
    layers = of_type(records, LayerRecord)
    shown, left_out = fastest_of_each(layers) if best else (layers, [])
    print_layers(shown, console, left_out)
    print_models(of_type(records, ModelRecord), console)
    if details:
        known = store.read(CEILINGS).ceilings if CEILINGS.exists() else []
        print_details([*shown, *of_type(records, ModelRecord)], console, known)

"""`attnbench profile`: the families side by side at one input size."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from attnbench.cli import options
from attnbench.cli.options import CEILINGS, RUNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attnbench.records import CostRecord


NTokens = Annotated[
    str | None, typer.Option(help="Tokens of the map. [default: 4096]", show_default=False)
]
Resolution = Annotated[
    str | None, typer.Option(help="Image size instead, as 224 or 512x2048.", show_default=False)
]
Details = Annotated[
    bool, typer.Option("--details", help="Show percentiles, throughput, first call and kernel too.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the records as JSON, not as a table.")]


def command(
    attention: options.Attention = "dense,window,sparse,anchor",
    n_tokens: NTokens = None,
    resolution: Resolution = None,
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
    out: options.Out = RUNS / "profile.jsonl",
    details: Details = False,
    as_json: AsJson = False,
    plugin: options.Plugin = None,
) -> None:
    """Measure attentions side by side: parameters, MACs, latency, memory, speed-up over dense."""
    from rich.console import Console

    grids = options.grids(n_tokens, resolution, patch, default="4096")
    progress = Console(stderr=True)
    with progress.status("loading torch"):
        from attnbench.benchmark.recorder import Recorder
        from attnbench.benchmark.runner import profile
        from attnbench.profiling.machine.environment import choose_device
        from attnbench.records import store

        workloads = options.workloads(
            attention, grids, anchors, impl,
            dim=dim, num_heads=heads, batch=batch, dtype=dtype, mode=mode,
        )  # fmt: skip
        protocol = options.protocol(
            precision=precision, time_budget_s=time_budget, cache=cache, energy=energy
        )
        chosen = choose_device(device)
    records: list[CostRecord] = []
    keep = Recorder(out, "profile").keep
    with progress.status("measuring") as status:
        for grid in grids:
            profile(
                [workload for workload in workloads if workload.grid == grid],
                protocol,
                chosen,
                on_record=lambda record: records.append(keep(record)),
                on_step=status.update,
            )
    if as_json:
        print(json.dumps([store.encode(record) for record in records], indent=2))
    else:
        _show(records, details, best=options.wants_best(impl))
        print(f"\nStored in {out}; `attnbench report` draws it.")


def _show(records: Sequence[CostRecord], details: bool, *, best: bool) -> None:
    """The table; with `best` of the fastest implementations, the others named beneath."""
    from rich.console import Console

    from attnbench.analysis.selection.fastest import fastest_of_each
    from attnbench.cli.show.details import print_details
    from attnbench.cli.show.layers import print_layers
    from attnbench.records import store

    console = Console()
    shown, left_out = fastest_of_each(records) if best else (records, [])
    print_layers(shown, console, left_out)
    if details:
        known = store.read(CEILINGS).ceilings if CEILINGS.exists() else []
        print_details(shown, console, known)

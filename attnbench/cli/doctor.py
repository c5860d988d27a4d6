"""`attnbench doctor`: test the harness on this machine, and find its resolution floor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attnbench.cli import options
from attnbench.cli.grouped import grouped
from attnbench.cli.options import CHECKUPS
from attnbench.cli.places import try_file
from attnbench.cli.threads import Threads

if TYPE_CHECKING:
    from attnbench.records import Checkup

COLOURS = {"passed": "green", "failed": "red", "not possible here": "yellow"}


@grouped
def command(
    threads: Threads,
    device: options.Device = "auto",
    out: Annotated[Path, typer.Option(help="File to append the checkup to.")] = CHECKUPS,
) -> None:
    """Test the harness on this machine, and find the smallest change it can show.

    The doctor measures known times, MACs and allocations, and an operator that skips its work. It
    compares an operator with itself and with a slower one, and measures beside busy processes.
    This takes about a minute; leave the machine idle meanwhile, or the floor is that of a busy
    one. Later records carry the resolution floor, and `attnbench compare` uses it.

    Exits with 1 if a finding is "failed"; "not possible here" is no failure.
    """
    from rich.console import Console

    progress = Console(stderr=True)
    try_file(out)
    with progress.status("loading torch"):
        from attnbench.doctor.checkup import examine
        from attnbench.profiling.machine.environment import choose_device
        from attnbench.records import store

        chosen = choose_device(device)
    threads.take(progress)
    with progress.status("starting") as status:
        checkup = examine(chosen, on_step=status.update)
    store.append(out, checkup)
    _print(checkup)
    print(f"\nStored in {out}.")
    if any(finding.outcome == "failed" for finding in checkup.findings):
        raise typer.Exit(1)


def _print(checkup: Checkup) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from attnbench.units import format_percent, format_seconds

    console = Console()
    console.print(Text(checkup.environment.label))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in ("finding", "outcome"):
        table.add_column(head, no_wrap=True)
    table.add_column("expected and measured")
    for finding in checkup.findings:
        outcome = Text(finding.outcome, COLOURS[finding.outcome])
        table.add_row(Text(finding.name), outcome, Text(finding.text))
    console.print(table)
    floor = checkup.floor
    console.print(
        Text(
            f"resolution floor: {format_percent(floor.relative)} of a latency (95 % of comparisons "
            f"of a call with itself stay within it), and {format_seconds(floor.absolute_s)} (the "
            "cost of timing itself)"
            + ("; found while other programs used the machine" if floor.disturbed else "")
        )
    )

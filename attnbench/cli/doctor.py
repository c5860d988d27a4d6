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
    from attnbench.cli.show.progress import status
    from attnbench.cli.show.screen import Screen

    progress = Screen(stderr=True)
    try_file(out)
    with status(progress, "loading torch"):
        from attnbench.doctor.checkup import examine
        from attnbench.profiling.machine.environment import choose_device
        from attnbench.records import store

        chosen = choose_device(device)
    threads.take(progress)
    with status(progress, "starting") as shown:
        checkup = examine(chosen, on_step=shown.update)
    store.append(out, checkup)
    _print(checkup)
    print(f"\nStored in {out}.")
    if any(finding.outcome == "failed" for finding in checkup.findings):
        raise typer.Exit(1)


def _print(checkup: Checkup) -> None:
    from attnbench.cli.show.columns import Column
    from attnbench.cli.show.screen import Screen
    from attnbench.units import format_percent, format_seconds

    screen = Screen()
    screen.say(checkup.environment.label)
    columns = [Column(head, whole=True) for head in ("finding", "outcome")]
    screen.table(
        [*columns, Column("expected and measured")],
        [
            (finding.name, (finding.outcome, COLOURS[finding.outcome]), finding.text)
            for finding in checkup.findings
        ],
    )
    floor = checkup.floor
    screen.say(
        f"resolution floor: {format_percent(floor.relative)} of a latency (95 % of comparisons "
        f"of a call with itself stay within it), and {format_seconds(floor.absolute_s)} (the "
        "cost of timing itself)"
        + ("; found while other programs used the machine" if floor.disturbed else "")
    )

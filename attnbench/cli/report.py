"""`attnbench report`: write tables, figures and one page from stored records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attnbench.cli import options
from attnbench.cli.places import try_file, try_folder
from attnbench.cli.sources import default_source

COSTS = ("macs", "latency", "memory", "params")
"""Names of the axes, as `analysis/tradeoff/groups.py` has them."""


def command(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Result files or folders. [default: results/runs, else results/measured]",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("report"),
    cost: Annotated[
        str,
        options.choice(COSTS, "Cost axis of the frontier: macs, latency, memory or params."),
    ] = "macs",
) -> None:
    """Write tables and figures, and one page with all of them."""
    from attnbench.cli.show.progress import status
    from attnbench.cli.show.screen import Screen

    screen = Screen(stderr=True)
    try_folder(out, out / "figures")
    try_file(out / "index.html", replaced=True)
    chosen = paths or [default_source()]
    with status(screen, "drawing"):
        from attnbench.records import store

        contents = store.read_many(chosen)  # refused before what draws is loaded
        from attnbench.report.page.page import write_contents

        written = write_contents(contents, chosen, out, cost)
    for line in (*written.problems, *written.brief):
        screen.say(line)
    print(f"{len(written.files)} files in {out}; open {out / 'index.html'}")

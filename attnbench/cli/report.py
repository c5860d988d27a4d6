"""`attnbench report`: tables, plots and one page, from stored records alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attnbench.cli.options import RUNS
from attnbench.errors import UserError

MEASURED = Path("results/measured")


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
        str, typer.Option(help="Cost axis of the frontier: macs, latency, memory or params.")
    ] = "macs",
) -> None:
    """Write tables, plots and a page that holds all of it."""
    from rich.console import Console

    console = Console(stderr=True)
    chosen = paths or [_default_source()]
    with console.status("drawing"):
        from attnbench.report.page import write_report

        written = write_report(chosen, out, cost)
    for line in (*written.problems, *written.notes):
        console.print(line, markup=False, highlight=False)
    print(f"{len(written.files)} files in {out}; open {out / 'index.html'}")


def _default_source() -> Path:
    """The user's own runs, or the published ones where there are none yet."""
    if any(RUNS.rglob("*.jsonl")):
        return RUNS
    if any(MEASURED.rglob("*.jsonl")):
        print(f"no runs in {RUNS} yet: reporting the published records in {MEASURED}")
        return MEASURED
    raise UserError(
        f"no records in {RUNS} nor in {MEASURED}; run `attnbench profile` or `attnbench train` "
        "first, or give the paths of result files"
    )

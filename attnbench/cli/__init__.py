"""The command line. Each command parses its options, calls one function and prints.

Heavy packages (torch, pandas) are imported inside functions to keep help and lists fast.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from attnbench import __version__
from attnbench.cli import (
    ceilings,
    compare,
    data,
    doctor,
    evaluate,
    listing,
    predict,
    profile,
    report,
    reproduce,
    sweep,
    train,
)
from attnbench.errors import UserError
from attnbench.waiting import let_waiting_threads_sleep

app = typer.Typer(
    name="attnbench",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("list")(listing.command)
app.command("profile")(profile.command)
app.command("sweep")(sweep.command)
app.command("data")(data.command)
app.command("train")(train.command)
app.command("evaluate")(evaluate.command)
app.command("ceilings")(ceilings.command)
app.command("report")(report.command)
app.command("predict")(predict.command)
app.command("compare")(compare.command)
app.command("doctor")(doctor.command)
app.command("reproduce")(reproduce.command)

INTERRUPTED = 130
"""The exit code of typer, and of shells, after Ctrl-C."""


def _print_version(asked: bool) -> None:
    if asked:
        print(f"attnbench {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Benchmark and profile efficient attentions for vision transformers."""


def main() -> None:
    """Run the command line; a `UserError` prints one line and exits with code 2."""
    let_waiting_threads_sleep()  # before torch is loaded
    try:
        app()
    except UserError as error:
        print(f"attnbench: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            print("attnbench: interrupted; what was measured so far is stored", file=sys.stderr)
        raise

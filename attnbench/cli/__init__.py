"""The command line: each command parses, calls one function, and prints.

Heavy imports (torch, pandas) stay inside the functions, so that help and lists answer at once.
"""

from __future__ import annotations

import os
import sys

import typer

from attnbench.cli import (
    ceilings,
    compare,
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

app = typer.Typer(
    name="attnbench",
    help="Benchmark and profile efficient attentions for vision transformers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("list")(listing.command)
app.command("profile")(profile.command)
app.command("sweep")(sweep.command)
app.command("train")(train.command)
app.command("evaluate")(evaluate.command)
app.command("ceilings")(ceilings.command)
app.command("report")(report.command)
app.command("predict")(predict.command)
app.command("compare")(compare.command)
app.command("doctor")(doctor.command)
app.command("reproduce")(reproduce.command)

INTERRUPTED = 130
"""Exit code that typer gives to Ctrl-C, as shells do."""


def main() -> None:
    """Run the command line; what a user got wrong is one line and exit code 2."""
    # The profiler's own log lines (one per start and stop) would drown ours.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    try:
        app()
    except UserError as error:
        print(f"attnbench: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            print("attnbench: interrupted; what was measured so far is stored", file=sys.stderr)
        raise

"""The command line. Each command parses its options, calls one function and prints.

Heavy packages (torch, pandas) are imported inside functions to keep help and lists fast.
"""

from __future__ import annotations

import shutil
import sys
import traceback
from contextlib import suppress
from inspect import getdoc
from typing import Annotated, Any

import typer

from attnbench import __version__
from attnbench.bounds import shortened_message
from attnbench.cli import (
    ceilings,
    compare,
    data,
    doctor,
    evaluate,
    explain,
    listing,
    predict,
    processes,
    profile,
    report,
    reproduce,
    runs,
    sweep,
    train,
)
from attnbench.cli.show.streams import guarded
from attnbench.errors import UserError
from attnbench.nameless import let_nameless_users_work
from attnbench.together import PeerLostError
from attnbench.visible import one_line
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
app.command("runs")(runs.command)
app.command("evaluate")(evaluate.command)
app.command("explain")(explain.command)
app.command("ceilings")(ceilings.command)
app.command("report")(report.command)
app.command("predict")(predict.command)
app.command("compare")(compare.command)
app.command("doctor")(doctor.command)
app.command("reproduce")(reproduce.command)

for one in app.registered_commands:  # a short help that is not given is cut off
    one.short_help = (getdoc(one.callback) or "").split("\n\n")[0].replace("\n", " ")

UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""What typer raises for words that it does not understand; the class has no public name."""
NARROW = 50
"""Columns of a terminal below which the help has no frames and tables."""
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
    let_nameless_users_work()
    with guarded():
        raise SystemExit(_exit_code())


def _exit_code() -> int:
    """Run the command that was asked for, and say in a line what stopped it."""
    if shutil.get_terminal_size().columns < NARROW:
        app.rich_markup_mode = None  # help without frames, which would cut words off
    try:
        code = app(prog_name="attnbench", standalone_mode=False)
        sys.stdout.flush()  # a full device is noticed here at the latest
    except UserError as error:
        return _say(str(error), 2, lost=isinstance(error, PeerLostError))
    except UsageError as error:
        return _say(_usage(error), 2)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception:  # noqa: BLE001 - a defect: what it says is made visible like all output
        traceback.print_exc(file=processes.for_errors())
        return 1
    if code == INTERRUPTED:
        return _say("interrupted; what was measured so far is stored", INTERRUPTED)
    return code or 0


def _say(text: str, code: int, *, lost: bool = False) -> int:
    """Print a line on standard error, if that can be written to.

    Args:
        text: the line.
        code: to be returned.
        lost: whether another process has ended before, which says why.
    """
    line = one_line(shortened_message(text))
    if text and not processes.last_words(line, lost=lost):
        with suppress(UserError):
            print(f"attnbench: {line}", file=sys.stderr)
    return code


def _usage(error: Any) -> str:
    """What is wrong with the words of a command line; "" if its help was shown instead."""
    text = error.format_message().rstrip(".")
    where = error.ctx.command_path if error.ctx else "attnbench"
    return text and f"{text[:1].lower()}{text[1:]}; see `{where} --help`"

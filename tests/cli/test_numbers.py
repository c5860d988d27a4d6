"""Laws of every option of every command that takes numbers, devices or names from a list."""

from __future__ import annotations

from typing import get_args, get_type_hints

import pytest

from attnbench.bounds import QUANTITIES
from attnbench.cli import app

ARGUMENTS = {"train": ["vit-t"], "evaluate": ["x.pt"], "compare": ["a", "b"], "reproduce": ["fig5"]}
COMMANDS = {command.name: command.callback for command in app.registered_commands}
NO_NUMBERS = ["²", "inf", "9" * 4000, "1" + "0" * 30, "-1", ""]


def options_of(command):
    """(flag, annotated type, typer's option) of each option of a command."""
    hints = get_type_hints(COMMANDS[command], include_extras=True)
    hints.pop("return", None)
    for name, (kind, info) in ((name, get_args(hint)) for name, hint in hints.items()):
        flags = "/".join(getattr(info, "param_decls", None) or ["--" + name.replace("_", "-")])
        yield flags, kind, info


def is_number(kind, info):
    return {int, float} & {kind, *get_args(kind)} or info.metavar in ("<int>", "<float>")


NUMERIC = [(command, flags) for command in COMMANDS
           for flags, kind, info in options_of(command) if is_number(kind, info)]  # fmt: skip
CHOSEN = [(command, flags) for command in COMMANDS for flags, _, _ in options_of(command)
          if flags in ("--device", "--dtype", "--mode", "--cache")]  # fmt: skip


def refused(attnbench, command, flags, text):
    """Run a command with one option; it must be refused in one short line that names the option."""
    flag = flags.rpartition("/")[2]
    code, out, err = attnbench(command, *ARGUMENTS.get(command, []), f"{flag}={text}")
    assert (code, out) == (2, "")
    assert err.startswith(f"attnbench: {flags}")
    assert err.count("\n") == 1
    assert len(err) < 300
    return err


@pytest.mark.parametrize(("command", "flags"), NUMERIC)
def test_what_is_no_number_in_bounds_is_refused_and_named(command, flags, attnbench):
    for text in NO_NUMBERS:
        err = refused(attnbench, command, flags, text)
        assert ": expected a" in err
        assert ", got " in err or "; got " in err


def test_every_number_has_its_bounds():
    quantities = {flags.rpartition("/")[2].strip("-").replace("-", "_") for _, flags in NUMERIC}
    assert quantities <= set(QUANTITIES)
    assert len(NUMERIC) > 20


@pytest.mark.parametrize("text", ["²", "inf", "nan", "9" * 4000])
@pytest.mark.parametrize("command", ["profile", "sweep"])
def test_lists_sizes_and_named_values_are_refused_too(command, text, attnbench):
    refused(attnbench, command, "--n-tokens", f"196,{text}")
    refused(attnbench, command, "--resolution/--resolutions/--img-size", f"224,{text}x224")
    refused(attnbench, command, "--sweep", f"window_size=7,{text}")
    if text != "²":  # which Python does not read as a number either: a text
        refused(attnbench, command, "--option", f"window_size={text}")


@pytest.mark.parametrize(("command", "flags"), CHOSEN)
@pytest.mark.parametrize("text", ["", "cpu:9", "meta", "x" * 999])
def test_what_is_not_on_the_list_is_refused_and_named(command, flags, text, attnbench):
    assert "must be" in refused(attnbench, command, flags, text)

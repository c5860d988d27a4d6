"""Options that are declared once, as the fields of a dataclass."""

from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from attnbench.cli.grouped import grouped


@dataclass(frozen=True, kw_only=True)
class Size:
    """Two options."""

    height: Annotated[int, typer.Option(help="Rows.")] = 3
    width: Annotated[int, typer.Option("--width", "-w", help="Columns.")] = 4


@grouped
def area(size: Size, deep: Annotated[int, typer.Option(help="Layers.")] = 1) -> None:
    """How many there are."""
    typer.echo(size.height * size.width * deep)


def run(*arguments):
    app = typer.Typer()
    app.command()(area)
    return CliRunner().invoke(app, list(arguments))


def test_fields_are_options_with_their_defaults():
    assert run().output == "12\n"
    assert run("--height", "5", "-w", "2", "--deep", "7").output == "70\n"


def test_the_help_is_that_of_the_command_and_of_each_field():
    text = run("--help").output
    for part in ("How many there are.", "--height", "Rows.", "--width", "Layers."):
        assert part in text
    assert "--size" not in text

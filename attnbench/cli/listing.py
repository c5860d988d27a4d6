"""`attnbench list`: show registered names, and which implementations run here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from attnbench.bounds import shortened
from attnbench.cli.options import Plugin
from attnbench.errors import UserError

if TYPE_CHECKING:
    from attnbench.registry import Entry


def command(
    what: Annotated[
        str, typer.Argument(help="attentions, impls, models, datasets or tasks.")
    ] = "attentions",
    timm: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN",
            help="With models: list timm's models that match, such as 'swin*', under the names "
            "that every command takes.",
        ),
    ] = None,
    plugin: Plugin = None,
) -> None:
    """List attentions, models, datasets or tasks; or implementations, and which can run here."""
    from rich.console import Console
    from rich.table import Table

    from attnbench.registry import ATTENTIONS, DATASETS, MODELS, TASKS

    if timm is not None:
        _print_timm(what, timm)
        return
    registries = {
        "attentions": ATTENTIONS, "models": MODELS, "datasets": DATASETS, "tasks": TASKS,
    }  # fmt: skip
    if what == "impls":
        from attnbench.cli.show.impls import print_impls

        print_impls(Console(), Console(stderr=True))
        return
    if what not in registries:
        raise UserError(
            f"expected one of {', '.join([*registries, 'impls'])}; got {shortened(what)}"
        )
    table = Table(title=what, title_justify="left", title_style="bold")
    columns = ["name", "family", *(["cost"] if what == "attentions" else []), "summary", "paper"]
    for column in columns:
        table.add_column(column, no_wrap=column in ("name", "family", "cost"))
    for entry in registries[what].list():
        table.add_row(*(getattr(entry, column) for column in columns))
    Console().print(table)
    if what == "attentions":
        Console().print(f"--sweep takes {_sweepable(ATTENTIONS.list())}", highlight=False)


def _sweepable(entries: Iterable[Entry]) -> str:
    """The sweepable options, each with its mechanisms."""
    having: dict[str, list[str]] = {}
    for entry in entries:
        for option in entry.sweepable:
            having.setdefault(option.name, []).append(entry.name)
    return "; ".join(f"{option} ({', '.join(who)})" for option, who in having.items())


def _print_timm(what: str, pattern: str) -> None:
    from rich.console import Console
    from rich.table import Table

    from attnbench.models.from_timm.names import architectures

    if what != "models":
        raise UserError(
            f"--timm works with models only, got {shortened(what)}; "
            "use `attnbench list models --timm …`"
        )
    table = Table(title="models of timm", title_justify="left", title_style="bold")
    for column in ("name", "family", "input size"):
        table.add_column(column, no_wrap=True)
    for model in architectures(pattern):
        table.add_row(model.name, model.family, "{} × {}".format(*model.input_size))
    Console().print(table)

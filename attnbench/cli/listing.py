"""`attnbench list`: what can be named."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from attnbench.cli.options import Plugin
from attnbench.errors import UserError

if TYPE_CHECKING:
    from attnbench.registry import Entry


def command(
    what: Annotated[
        str, typer.Argument(help="attentions, impls, models, datasets or tasks.")
    ] = "attentions",
    plugin: Plugin = None,
) -> None:
    """List what is registered: attentions, models or datasets; or which impl runs where."""
    from rich.console import Console
    from rich.table import Table

    from attnbench.registry import ATTENTIONS, DATASETS, MODELS, TASKS

    registries = {
        "attentions": ATTENTIONS, "models": MODELS, "datasets": DATASETS, "tasks": TASKS,
    }  # fmt: skip
    if what == "impls":
        from attnbench.cli.show.impls import print_impls

        print_impls(Console(), Console(stderr=True))
        return
    if what not in registries:
        raise UserError(f"can list {', '.join([*registries, 'impls'])}; got {what!r}")
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
    """The options that can be swept, each with the mechanisms that declare it."""
    having: dict[str, list[str]] = {}
    for entry in entries:
        for option in entry.sweepable:
            having.setdefault(option.name, []).append(entry.name)
    return "; ".join(f"{option} ({', '.join(who)})" for option, who in having.items())

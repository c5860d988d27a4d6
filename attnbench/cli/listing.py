"""`attnbench list`: what can be named."""

from __future__ import annotations

from typing import Annotated

import typer

from attnbench.cli.options import Plugin
from attnbench.errors import UserError


def command(
    what: Annotated[
        str, typer.Argument(help="attentions, impls, models or datasets.")
    ] = "attentions",
    plugin: Plugin = None,
) -> None:
    """List what is registered: attentions, models or datasets; or which impl runs where."""
    from rich.console import Console
    from rich.table import Table

    from attnbench.registry import ATTENTIONS, DATASETS, MODELS

    registries = {"attentions": ATTENTIONS, "models": MODELS, "datasets": DATASETS}
    if what == "impls":
        from attnbench.cli.show.impls import print_impls

        print_impls(Console(), Console(stderr=True))
        return
    if what not in registries:
        raise UserError(f"can list {', '.join([*registries, 'impls'])}; got {what!r}")
    table = Table(title=what, title_justify="left", title_style="bold")
    of_attentions = ["cost", "sweepable"] if what == "attentions" else []
    columns = ["name", "family", *of_attentions, "summary", "paper"]
    for column in columns:
        table.add_column(column, no_wrap=column in ("name", "family", "cost"))
    for entry in registries[what].list():
        shown = {"sweepable": ", ".join(option.name for option in entry.sweepable)}
        table.add_row(*(shown.get(column, getattr(entry, column)) for column in columns))
    Console().print(table)

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
    from attnbench.cli.show.columns import Column
    from attnbench.cli.show.screen import Screen
    from attnbench.registry import ATTENTIONS, DATASETS, MODELS, TASKS

    if timm is not None:
        _print_timm(what, timm)
        return
    registries = {
        "attentions": ATTENTIONS, "models": MODELS, "datasets": DATASETS, "tasks": TASKS,
    }  # fmt: skip
    if what == "impls":
        from attnbench.cli.show.impls import print_impls

        print_impls(Screen(), Screen(stderr=True))
        return
    if what not in registries:
        raise UserError(
            f"expected one of {', '.join([*registries, 'impls'])}; got {shortened(what)}"
        )
    columns = ["name", "family", *(["cost"] if what == "attentions" else []), "summary", "paper"]
    screen = Screen()
    screen.say((what, "bold"))
    screen.table(
        [Column(name) for name in columns],
        [[getattr(entry, name) for name in columns] for entry in registries[what].list()],
    )
    if what == "attentions":
        screen.say(f"--sweep takes {_sweepable(ATTENTIONS.list())}")


def _sweepable(entries: Iterable[Entry]) -> str:
    """The sweepable options, each with its mechanisms."""
    having: dict[str, list[str]] = {}
    for entry in entries:
        for option in entry.sweepable:
            having.setdefault(option.name, []).append(entry.name)
    return "; ".join(f"{option} ({', '.join(who)})" for option, who in having.items())


def _print_timm(what: str, pattern: str) -> None:
    from attnbench.cli.show.columns import Column
    from attnbench.cli.show.screen import Screen
    from attnbench.models.from_timm.names import architectures

    if what != "models":
        raise UserError(
            f"--timm works with models only, got {shortened(what)}; "
            "use `attnbench list models --timm …`"
        )
    found = [
        (model.name, model.family, "{} × {}".format(*model.input_size))
        for model in architectures(pattern)
    ]
    screen = Screen()
    screen.say(("models of timm", "bold"))
    screen.table([Column("name"), Column("family"), Column("input size", whole=True)], found)

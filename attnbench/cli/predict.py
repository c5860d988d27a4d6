"""`attnbench predict`: predict latency and memory at a size that was not measured."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attnbench.cli.options import names, number
from attnbench.cli.sources import default_source
from attnbench.errors import UserError

if TYPE_CHECKING:
    from attnbench.analysis.growth.polynomial import Estimate
    from attnbench.analysis.growth.prediction import Group, Prediction, Predictions
    from attnbench.cli.show.screen import Screen

MOST_SHOWN = 12
"""Tables, and lines about refusals; nobody scrolls through more."""
WIDE = 120
"""Terminal width from which a value and its interval share a line."""


def command(
    n_tokens: Annotated[int, number("n_tokens", "Token count to predict.")],
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Result files or folders. [default: results/runs, else results/measured]",
            show_default=False,
        ),
    ] = None,
    attention: Annotated[
        str | None,
        typer.Option(
            help="Attentions to predict, separated by commas. Default: all in the records.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, in base units.")] = False,
) -> None:
    """Predict latency and peak memory of a layer at a token count, from stored records."""
    from attnbench.cli.show.progress import status
    from attnbench.cli.show.screen import Screen, json_text

    chosen = _names(attention)
    with status(Screen(stderr=True), "predicting"):
        from attnbench.report.export import prediction as predict_json

        predictions = _predict(paths or [default_source()], n_tokens, chosen)
    if as_json:
        print(json_text(predict_json.plain(predictions)))
    else:
        _print(predictions, Screen())


def _names(attention: str | None) -> list[str]:
    chosen = names(attention or "")
    if attention is not None and not chosen:
        raise UserError("--attention needs at least one name; leave it out to predict all")
    return chosen


def _predict(paths: Sequence[Path], tokens: int, attentions: Sequence[str]) -> Predictions:
    from attnbench.analysis.frame.frames import build
    from attnbench.analysis.growth.prediction import predict
    from attnbench.records import store

    with store.uncollected():  # records have no cycles
        contents = store.read_many(paths)
        for problem in contents.problems:
            print(problem, file=sys.stderr)
        layers = build(contents.layers, compared=False).layers
        return predict(layers, tokens, attentions)


def _print(predictions: Predictions, screen: Screen) -> None:
    for group in predictions.groups[:MOST_SHOWN]:
        _print_group(predictions.tokens, group, screen)
    for line in predictions.refused[:MOST_SHOWN]:
        screen.say(f"no latency predicted: {line}")
    for what, found in (("conditions", predictions.groups), ("refusals", predictions.refused)):
        if len(found) > MOST_SHOWN:
            more = len(found) - MOST_SHOWN
            screen.say(f"and {more:,} more {what}; --json prints all of them")


def _print_group(tokens: int, group: Group, screen: Screen) -> None:
    from attnbench.cli.show.columns import Column, number

    heading = f": {group.conditions}; from {_shared_sizes(group) or 'the sizes below'}"
    screen.say((f"{tokens:,} tokens, predicted", "bold"), heading, gap=True)
    between = " " if screen.width >= WIDE else "\n"
    heads = ("latency", "net peak memory", *(["speed-up"] if group.baseline else []))
    columns = [Column("attention"), *(number(f"{head}{between}[95 %]") for head in heads)]
    if not _shared_sizes(group):
        columns.append(Column("from"))
    screen.table(columns, [_row(prediction, group, between) for prediction in group.predictions])
    for note in _notes(group):
        screen.say(note)


def _shared_sizes(group: Group) -> str:
    """The measured sizes if all predictions share them, else ""."""
    from attnbench.analysis.growth.curves import sizes_text

    sizes = {prediction.tokens for prediction in group.predictions}
    return sizes_text(sizes.pop()) if len(sizes) == 1 else ""


def _row(prediction: Prediction, group: Group, between: str) -> list[str]:
    from attnbench.analysis.growth.curves import sizes_text
    from attnbench.analysis.naming import implementation_name

    cells = [
        implementation_name(prediction.implementation, between),
        _text("latency_s", prediction.latency_s, between),
        _text("memory_bytes", prediction.memory_bytes, between),
    ]
    if group.baseline:
        is_baseline = prediction.implementation == group.baseline
        cells.append("baseline" if is_baseline else _text("speedup", prediction.speedup, between))
    return cells if _shared_sizes(group) else [*cells, sizes_text(prediction.tokens)]


def _text(metric: str, estimate: Estimate | None, between: str) -> str:
    """A value and its interval: "61.6 ms [61.0 ms – 62.1 ms]"; exact values have none."""
    from attnbench.units import METRICS

    if estimate is None:
        return "–"
    form: Callable[[float], str] = METRICS[metric].format
    ends = [form(end) if isfinite(end) else "unknown" for end in (estimate.low, estimate.high)]
    value = form(estimate.value)
    return value if set(ends) == {value} else f"{value}{between}[{' – '.join(ends)}]"


def _notes(group: Group) -> list[str]:
    """The notes below a table; a note about several mechanisms is printed once."""
    notes = []
    if group.baseline:
        notes.append(
            f"speed-up is over {group.baseline_label}, the dense attention predicted to be fastest"
        )
    notes.append(
        "fitted: a + b·n + c·n² without negative terms; effects that begin beyond the measured "
        "sizes, such as a cache that overflows, are not predicted"
    )
    about: dict[str, list[str]] = {}
    for prediction in group.predictions:
        for note in filter(None, prediction.note.split("; ")):
            about.setdefault(note, []).append(prediction.label)
    return notes + [f"{', '.join(labels)}: {note}" for note, labels in about.items()]

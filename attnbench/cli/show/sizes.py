"""Print one trained model at several sizes of images, a row for each."""

from __future__ import annotations

from collections.abc import Sequence

from attnbench.cli.show.columns import Column, number
from attnbench.cli.show.model import with_interval
from attnbench.cli.show.screen import Screen
from attnbench.cli.show.values import MISSING, latency_text, macs_text
from attnbench.records import ModelRecord
from attnbench.units import format_rate, primary_score


def print_sizes(records: Sequence[ModelRecord], screen: Screen) -> None:
    """The primary score and the cost of a model at each size.

    Args:
        records: of one model, each with scores.
        screen: where.
    """
    first = records[0]
    metric = primary_score(first.workload.task)
    assert metric is not None
    assert first.recipe is not None
    height, width = first.recipe.img_size
    screen.say(
        (first.workload.model, "bold"),
        f" on {first.recipe.data}, trained at {height} × {width} px; {first.environment.label}",
        gap=True,
    )
    heads = (metric.label, "GMACs", "latency at batch 1 [95 %]", "images/s")
    screen.table([Column("size"), *map(number, heads)], [_row(one, metric.key) for one in records])
    for note in dict.fromkeys(note for one in records for note in (one.reason,) if note):
        screen.say(note)


def _row(record: ModelRecord, key: str) -> list[str]:
    scores = record.scores
    assert scores is not None
    height, width = record.workload.img_size
    return [
        f"{height} × {width}",
        with_interval(key, scores.values.get(key), scores.intervals.get(key)),
        macs_text(record),
        MISSING if record.latency is None else latency_text(record.latency),
        format_rate(scores.throughput_per_s),
    ]

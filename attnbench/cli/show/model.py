"""Print one trained model as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attnbench.cli.show.columns import Column, number
from attnbench.cli.show.screen import Screen
from attnbench.cli.show.values import MISSING, latency_text, macs_text, metric_text
from attnbench.records import ModelRecord, Scores
from attnbench.spec import ModelWorkload
from attnbench.units import METRICS, format_percent, format_rate, format_seconds

if TYPE_CHECKING:
    from attnbench.tasks.base import DetailedMetric

ByClass = Mapping[str, Mapping[str, float | None]]
MOST_CLASSES = 20
"""Those that are shown one by one."""


def print_model(record: ModelRecord, screen: Screen) -> None:
    """Print the scores and cost of one trained model."""
    workload = record.workload
    data = record.recipe.data if record.recipe else "?"
    screen.say((workload.model, "bold"), f" on {data}; {record.environment.label}", gap=True)
    screen.table([Column(""), Column("")], _model_rows(record, workload))
    if record.scores is not None:
        _print_by_class(record.scores.by_class, screen)
    for note in (record.reason, *(record.scores.notes if record.scores else ()), *record.notes):
        if note:
            screen.say(note)


def print_scores(metric: DetailedMetric, screen: Screen) -> None:
    """Print scores that belong to no model of ours, as those of a model are printed."""
    screen.table(
        [Column(""), Column("")], _score_rows(metric.compute(), metric.compute_intervals())
    )
    _print_by_class(metric.compute_by_class(), screen)
    for note in metric.notes():
        screen.say(note)


def _model_rows(record: ModelRecord, workload: ModelWorkload) -> list[tuple[str, str]]:
    rows = [("attention", workload.attention or "its own")]
    if record.scores is not None:
        rows += _score_rows(record.scores.values, record.scores.intervals)
        rows += _time_rows(record.scores)
    rows += [("parameters", metric_text("params", record.params)), ("GMACs", macs_text(record))]
    if record.latency is not None:
        rows.append(("latency at batch 1 [95 %]", latency_text(record.latency)))
    if record.memory is not None:
        rows.append(
            ("peak memory (net)", metric_text("memory_bytes", record.memory.peak_net_bytes))
        )
        resident = record.memory.resident_net_bytes
        if resident is not None:
            rows.append(("resident memory with weights", metric_text("memory_bytes", resident)))
    return rows


def _score_rows(
    values: Mapping[str, float | None], intervals: Mapping[str, tuple[float, float]]
) -> list[tuple[str, str]]:
    """Each score with its interval."""
    return [
        (METRICS[key].label, with_interval(key, value, intervals.get(key)))
        for key, value in values.items()
        if key != "loss"
    ]


def _time_rows(scores: Scores) -> list[tuple[str, str]]:
    """The time of each image in the evaluation: in the network, and after it."""
    rows = [(METRICS["throughput_per_s"].label, format_rate(scores.throughput_per_s))]
    if scores.predict_s:
        for text, seconds in (
            ("network, for each image", scores.forward_s),
            ("after the network, for each image", scores.predict_s),
        ):
            rows.append((text, format_seconds(seconds / scores.count)))
    return rows


def with_interval(key: str, value: float | None, interval: tuple[float, float] | None) -> str:
    """A score with its 95 % interval, where it has one."""
    text = metric_text(key, value)
    if interval is None:
        return text
    low, high = (METRICS[key].format(bound) for bound in interval)
    return f"{text} [{low} – {high}]"


def _print_by_class(by_class: ByClass, screen: Screen) -> None:
    """A row for each class, a column for each score."""
    if not by_class:
        return
    columns = list(by_class.values())
    names = list(columns[0])
    screen.table(
        [Column("class"), *(number(BY_CLASS.get(key, key)) for key in by_class)],
        [[name, *(_share(one[name]) for one in columns)] for name in names[:MOST_CLASSES]],
    )
    if len(names) > MOST_CLASSES:
        screen.say(f"and {len(names) - MOST_CLASSES:,} classes more")


def _share(value: float | None) -> str:
    return MISSING if value is None else format_percent(value)


BY_CLASS = {"ap": "AP", "ap50": "AP50", "iou": "IoU", "acc": "accuracy"}
"""Heads of the scores of single classes."""

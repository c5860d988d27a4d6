"""Print one trained model as a table."""

from __future__ import annotations

from attnbench.cli.show.columns import Column, number
from attnbench.cli.show.screen import Screen
from attnbench.cli.show.values import MISSING, latency_text, macs_text, metric_text
from attnbench.records import ModelRecord, Scores
from attnbench.spec import ModelWorkload
from attnbench.units import METRICS, format_percent, format_rate, format_seconds


def print_model(record: ModelRecord, screen: Screen) -> None:
    """Print the scores and cost of one trained model."""
    workload = record.workload
    data = record.recipe.data if record.recipe else "?"
    screen.say((workload.model, "bold"), f" on {data}; {record.environment.label}", gap=True)
    screen.table([Column(""), Column("")], _model_rows(record, workload))
    if record.scores is not None:
        _print_by_class(record.scores, screen)
    for note in (record.reason, *(record.scores.notes if record.scores else ()), *record.notes):
        if note:
            screen.say(note)


def _model_rows(record: ModelRecord, workload: ModelWorkload) -> list[tuple[str, str]]:
    rows = [("attention", workload.attention or "its own")]
    if record.scores is not None:
        rows += _score_rows(record.scores)
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


def _score_rows(scores: Scores) -> list[tuple[str, str]]:
    """Each score with its interval, and the speed of the evaluation."""
    rows = [
        (METRICS[key].label, _with_interval(key, value, scores.intervals.get(key)))
        for key, value in scores.values.items()
        if key != "loss"
    ]
    rows.append((METRICS["throughput_per_s"].label, format_rate(scores.throughput_per_s)))
    if scores.predict_s:
        each = format_seconds(scores.predict_s / scores.count)
        rows.append(("after the network, for each image", each))
    return rows


def _with_interval(key: str, value: float | None, interval: tuple[float, float] | None) -> str:
    text = metric_text(key, value)
    if interval is None:
        return text
    low, high = (METRICS[key].format(bound) for bound in interval)
    return f"{text} [{low} – {high}]"


def _print_by_class(scores: Scores, screen: Screen) -> None:
    """A row for each class, a column for each score."""
    if not scores.by_class:
        return
    columns = list(scores.by_class.values())
    screen.table(
        [Column("class"), *(number(BY_CLASS.get(key, key)) for key in scores.by_class)],
        [[name, *(_share(one[name]) for one in columns)] for name in columns[0]],
    )


def _share(value: float | None) -> str:
    return MISSING if value is None else format_percent(value)


BY_CLASS = {"ap": "AP", "ap50": "AP50", "iou": "IoU", "acc": "accuracy"}
"""Heads of the scores of single classes."""

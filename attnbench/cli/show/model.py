"""Print one trained model as a table."""

from __future__ import annotations

from attnbench.cli.show.columns import Column
from attnbench.cli.show.screen import Screen
from attnbench.cli.show.values import latency_text, macs_text, metric_text
from attnbench.records import ModelRecord
from attnbench.spec import ModelWorkload
from attnbench.units import METRICS


def print_model(record: ModelRecord, screen: Screen) -> None:
    """Print the scores and cost of one trained model."""
    workload = record.workload
    data = record.recipe.data if record.recipe else "?"
    screen.say((workload.model, "bold"), f" on {data}; {record.environment.label}", gap=True)
    screen.table([Column(""), Column("")], _model_rows(record, workload))
    for note in (record.reason, *record.notes):
        if note:
            screen.say(note)


def _model_rows(record: ModelRecord, workload: ModelWorkload) -> list[tuple[str, str]]:
    rows = [("attention", workload.attention or "its own")]
    if record.scores is not None:
        shown = {name: value for name, value in record.scores.values.items() if name != "loss"}
        shown["throughput_per_s"] = record.scores.throughput_per_s
        rows += [(METRICS[key].label, metric_text(key, value)) for key, value in shown.items()]
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

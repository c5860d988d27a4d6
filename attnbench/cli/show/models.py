"""Print whole models side by side as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from attnbench.analysis.naming import model_name
from attnbench.analysis.quotable import POOR
from attnbench.analysis.remeasure import model_command
from attnbench.cli.show.columns import Column, number
from attnbench.cli.show.screen import Screen
from attnbench.cli.show.trust_notes import trust_notes
from attnbench.cli.show.trusted import is_quotable, trust_in
from attnbench.cli.show.values import (
    MISSING,
    latency_text,
    macs_text,
    memory_head,
    memory_text,
    metric_text,
)
from attnbench.records import ModelRecord, coverage


def print_models(records: Sequence[ModelRecord], screen: Screen) -> None:
    """Print one table per image size, one row per model."""
    for _, of_one_size in groupby(records, key=lambda record: record.workload.size):
        _print_size(list(of_one_size), screen)


def _print_size(records: Sequence[ModelRecord], screen: Screen) -> None:
    first = records[0].workload
    height, width = first.img_size
    screen.say(
        (f"{height} × {width} px", "bold"),
        f", {first.num_classes} classes, batch {first.batch}, "
        f"{first.dtype}, {first.mode}; {records[0].environment.label}",
        gap=True,
    )
    heads = ("params", "GMACs", "latency\n[95 %]", memory_head(records, "\n"), "trust")
    screen.table([Column("model"), *map(number, heads)], [_row(record) for record in records])
    for note in _notes(records):
        screen.say(note)


def _row(record: ModelRecord) -> list[str]:
    row = [_name(record), metric_text("params", record.params), macs_text(record)]
    if record.latency is None:
        return [*row, record.status.replace("_", " "), MISSING, MISSING]
    latency = latency_text(record.latency, between="\n")
    return [*row, latency, memory_text(record, between="\n"), trust_in(record).grade]


def _name(record: ModelRecord) -> str:
    return model_name(record.workload)


def _notes(records: Sequence[ModelRecord]) -> Iterator[str]:
    """The notes below the table: what was counted, failures and doubts."""
    mode = records[0].workload.mode
    if mode != "forward":
        yield f"GMACs are for the forward pass; latency and memory for {mode}"
    counted = [record.macs for record in records if record.macs is not None]
    if counted:
        yield f"GMACs: {coverage(name for macs in counted for name in macs.uncounted)}"
    for record in records:
        name = _name(record)
        if record.reason:
            yield f"{name}: {record.status.replace('_', ' ')}: {record.reason}"
        yield from (f"{name}: {note}" for note in record.notes)
    yield from _trust(records)


def _trust(records: Sequence[ModelRecord]) -> Iterator[str]:
    """The reasons for the grades, and what to run for the models graded C."""
    measured = [record for record in records if record.latency is not None]
    notes = trust_notes([(_name(record), trust_in(record)) for record in measured])
    if any(trust_in(record).doubts for record in measured):
        yield from notes
    for record in measured:
        if not is_quotable(record):
            command = model_command(record)
            yield f"{_name(record)}: {POOR}, do not quote; to measure again, run `{command}`"

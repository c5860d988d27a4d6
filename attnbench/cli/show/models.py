"""Print whole models side by side as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from attnbench.records import ModelRecord, coverage
from attnbench.records.trust import trust_in
from attnbench.spec import describe
from attnbench.units import METRICS, format_seconds_beside


def print_models(records: Sequence[ModelRecord], console: Console) -> None:
    """Print one table per image size, one row per model."""
    for _, of_one_size in groupby(records, key=lambda record: record.workload.size):
        _print_size(list(of_one_size), console)


def _print_size(records: Sequence[ModelRecord], console: Console) -> None:
    first = records[0].workload
    height, width = first.img_size
    console.print(
        f"\n[bold]{height} × {width} px[/], {first.num_classes} classes, batch {first.batch}, "
        f"{first.dtype}, {first.mode}; {records[0].environment.label}",
        highlight=False,
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("model")
    for head in ("params", "GMACs", "latency\n\\[95 %]", "memory", "trust"):
        table.add_column(head, justify="right", no_wrap=True)
    for record in records:
        table.add_row(*_row(record))
    console.print(table)
    for note in _notes(records):
        console.print(Text(note))


def _row(record: ModelRecord) -> list[str]:
    row = [_name(record), _metric("params", record.params), _macs(record)]
    if record.latency is None:
        return [*row, record.status.replace("_", " "), "–", "–"]
    memory = record.memory.peak_net_bytes if record.memory else None
    return [*row, _latency(record), _metric("memory_bytes", memory), trust_in(record).grade]


def _name(record: ModelRecord) -> str:
    options = describe(record.workload.options)
    return f"{record.workload.model} ({options})" if options else record.workload.model


def _macs(record: ModelRecord) -> str:
    return "–" if record.macs is None else f"{record.macs.products_macs / 1e9:.3f}"


def _metric(key: str, value: float | None) -> str:
    return "–" if value is None else METRICS[key].format(value)


def _latency(record: ModelRecord) -> str:
    """Median and interval: "61.6 ms" above "[61.0 – 62.1]"."""
    assert record.latency is not None
    median = record.latency.median_s
    bounds = [format_seconds_beside(bound, median) for bound in record.latency.interval_s or ()]
    interval = f"\n[{' – '.join(bounds)}]" if bounds else ""
    return _metric("latency_s", median) + interval


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
        for doubt in trust_in(record).doubts if record.latency else ():
            yield f"trust {doubt.grade}: {name}: {doubt.text}; {doubt.advice}"

"""Records as a table in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from attnbench.records import Interval, Latency, Ratio, Record, coverage, speed_up
from attnbench.spec import ModelWorkload, Workload
from attnbench.units import METRICS

WIDE = 100
"""Columns of a terminal from which on an interval stands beside its value, not beneath it."""


def print_layers(records: Sequence[Record], console: Console) -> None:
    """One table per token grid: what each attention costs, and how it compares with dense."""
    for grid in dict.fromkeys(_workload(record).grid for record in records):
        _print_grid([r for r in records if _workload(r).grid == grid], console)


def _print_grid(records: Sequence[Record], console: Console) -> None:
    baseline = fastest_dense(records)
    first = _workload(records[0])
    console.print(
        f"\n[bold]{first.num_tokens:,} tokens[/] ({first.grid[0]} × {first.grid[1]}), "
        f"dim {first.dim}, {first.num_heads} heads, batch {first.batch}, {first.dtype}, "
        f"{first.mode}; {records[0].environment.label}",
        highlight=False,
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("attention", no_wrap=True)
    for column in ("params", "GMACs", "latency \\[95 %]", "memory"):
        table.add_column(column, justify="right", no_wrap=True)
    if baseline is not None:
        table.add_column("speed-up \\[95 %]", justify="right", no_wrap=True)
    for record in records:
        table.add_row(*_row(record, baseline, "\n" if console.width < WIDE else " "))
    console.print(table)
    for note in _notes(records, baseline):
        console.print(Text(note))


def print_model(record: Record, console: Console) -> None:
    """Accuracy and cost of one trained model."""
    workload = record.workload
    assert isinstance(workload, ModelWorkload)
    data = record.recipe.data if record.recipe else "?"
    console.print(f"\n[bold]{workload.model}[/] on {data}; {record.environment.label}",
                  highlight=False)  # fmt: skip
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=False)
    for label, text in _model_rows(record, workload):
        table.add_row(label, text)
    console.print(table)
    for note in (record.reason, *record.notes):
        if note:
            console.print(Text(note))


def _model_rows(record: Record, workload: ModelWorkload) -> list[tuple[str, str]]:
    rows = [("attention", workload.attention or "its own")]
    if record.accuracy is not None:
        for key in ("top1", "top5", "throughput_per_s"):
            rows.append((METRICS[key].label, _metric(key, getattr(record.accuracy, key))))
    rows += [("parameters", _metric("params", record.params)), ("GMACs", _macs(record))]
    if record.latency is not None:
        rows.append(("latency at batch 1 [95 %]", _latency_text(record.latency)))
    if record.memory is not None:
        rows.append(("peak memory (net)", _metric("memory_bytes", record.memory.peak_net_bytes)))
    return rows


def fastest_dense(records: Sequence[Record]) -> Record | None:
    """The dense cell that others are compared with: the fastest one, whatever its impl."""
    dense = [r for r in records if _workload(r).attention == "dense" and r.latency is not None]
    return min(dense, key=lambda r: _latency(r).median_s, default=None)


def _row(record: Record, baseline: Record | None, between: str) -> list[str]:
    """The cells of a row; `between` parts a value from its interval."""
    cells = [_name(_workload(record)), _metric("params", record.params), _macs(record)]
    if record.latency is None:
        return [*cells, record.status.replace("_", " ")]
    memory = record.memory.peak_net_bytes if record.memory else None
    cells += [_latency_text(record.latency, between), _metric("memory_bytes", memory)]
    if baseline is not None:
        cells.append(_ratio_text(speed_up(_latency(baseline), record.latency), between))
    return cells


def _name(workload: Workload) -> str:
    anchors = workload.options.get("num_anchors")
    name = workload.attention if anchors is None else f"{workload.attention}-{anchors}"
    return f"{name} ({workload.impl})"


def _macs(record: Record) -> str:
    return "–" if record.macs is None else f"{record.macs.products_macs / 1e9:.3f}"


def _metric(key: str, value: float | None) -> str:
    return "–" if value is None else METRICS[key].format(value)


def _latency_text(latency: Latency, between: str = " ") -> str:
    return _known("latency_s", latency.median_s, latency.interval_s, between)


def _ratio_text(ratio: Ratio, between: str) -> str:
    return _known("speedup", ratio.value, ratio.interval, between)


def _known(key: str, value: float, interval: Interval | None, between: str) -> str:
    """A value and how well it is known: "61.6 ms [61.0 – 62.1]"."""
    text = METRICS[key].format(value)
    if interval is None or interval[0] == interval[1]:
        return text
    low, high = (METRICS[key].format(bound) for bound in interval)
    unit = text.partition(" ")[2]
    if unit and low.endswith(unit) and high.endswith(unit):
        low, high = low.removesuffix(unit).strip(), high.removesuffix(unit).strip()
    return f"{text}{between}[{low} – {high}]"


def _notes(records: Sequence[Record], baseline: Record | None) -> list[str]:
    """What must be said beneath a table: failures with their reasons, doubts, unmet precision."""
    notes = []
    if baseline is not None:
        notes.append(f"speed-up is over {_name(_workload(baseline))}, the fastest dense measured")
    if _workload(records[0]).mode == "train":
        notes.append("GMACs are those of the forward pass; latency and memory are of both passes")
    counted = [record.macs for record in records if record.macs is not None]
    if counted:
        notes.append(f"GMACs: {coverage(name for macs in counted for name in macs.uncounted)}")
    for record in records:
        name = _name(_workload(record))
        if record.reason:
            notes.append(f"{name}: {record.status.replace('_', ' ')}: {record.reason}")
        notes += [f"{name}: {note}" for note in record.notes]
    out_of_time = [r for r in records if r.latency and r.latency.stopped_by == "time_budget"]
    if out_of_time:
        samples = min(len(_latency(record).samples_s) for record in out_of_time)
        notes.append(
            f"sampling ended at its time budget ({samples} samples a cell), before every interval "
            "was as narrow as asked"
        )
    return notes


def _workload(record: Record) -> Workload:
    assert isinstance(record.workload, Workload)
    return record.workload


def _latency(record: Record) -> Latency:
    assert record.latency is not None
    return record.latency

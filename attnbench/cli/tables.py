"""Records as a table in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from attnbench.records import Interval, Latency, Ratio, Record, speed_up
from attnbench.spec import ModelWorkload, Workload
from attnbench.units import METRICS


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
        f"{first.mode}\n{records[0].environment.label}"
    )
    table = Table()
    table.add_column("attention", no_wrap=True)
    table.add_column("impl")
    for column in ("params", "GMACs", "latency (median)", "95 % interval", "peak memory (net)"):
        table.add_column(column, justify="right")
    if baseline is not None:
        impl = _workload(baseline).impl
        table.add_column(f"speed-up over dense ({impl})", justify="right")
    for record in records:
        table.add_row(*_row(record, baseline))
    console.print(table)
    for note in _notes(records):
        console.print(Text(note))


def print_model(record: Record, console: Console) -> None:
    """Accuracy and cost of one trained model."""
    workload = record.workload
    assert isinstance(workload, ModelWorkload)
    table = Table(title=f"{workload.model} on {record.recipe.data if record.recipe else '?'}",
                  title_justify="left", show_header=False)  # fmt: skip
    if record.accuracy is not None:
        for key in ("top1", "top5", "throughput_per_s"):
            table.add_row(METRICS[key].label, _metric(key, getattr(record.accuracy, key)))
    table.add_row("attention", workload.attention or "its own")
    table.add_row(METRICS["params"].label, _metric("params", record.params))
    table.add_row("GMACs", _macs(record))
    if record.latency is not None:
        latency = _metric("latency_s", record.latency.median_s)
        interval = _interval(record.latency.interval_s, "latency_s")
        table.add_row("latency at batch 1", f"{latency} (95 %: {interval})")
    if record.memory is not None:
        table.add_row("peak memory (net)", _metric("memory_bytes", record.memory.peak_net_bytes))
    console.print(table)
    console.print(Text(record.environment.label))
    for note in (record.reason, *record.notes):
        if note:
            console.print(Text(note))


def fastest_dense(records: Sequence[Record]) -> Record | None:
    """The dense cell that others are compared with: the fastest one, whatever its impl."""
    dense = [r for r in records if _workload(r).attention == "dense" and r.latency is not None]
    return min(dense, key=lambda r: _latency(r).median_s, default=None)


def _row(record: Record, baseline: Record | None) -> list[str]:
    workload = _workload(record)
    cells = [_name(workload), workload.impl, _metric("params", record.params)]
    cells.append(_macs(record))
    if record.latency is None:
        return [*cells, record.status.replace("_", " ")]
    memory = record.memory.peak_net_bytes if record.memory else None
    cells += [_metric("latency_s", record.latency.median_s)]
    cells += [_interval(record.latency.interval_s, "latency_s"), _metric("memory_bytes", memory)]
    if baseline is not None:
        cells.append(_ratio(speed_up(_latency(baseline), record.latency)))
    return cells


def _macs(record: Record) -> str:
    return "not counted" if record.macs is None else f"{record.macs.products_macs / 1e9:.3f}"


def _name(workload: Workload) -> str:
    anchors = workload.options.get("num_anchors")
    return workload.attention if anchors is None else f"{workload.attention} (m = {anchors})"


def _metric(key: str, value: float | None) -> str:
    return "–" if value is None else METRICS[key].format(value)


def _interval(interval: Interval | None, key: str) -> str:
    if interval is None:
        return "too few samples"
    return " – ".join(METRICS[key].format(bound) for bound in interval)


def _ratio(ratio: Ratio) -> str:
    text = METRICS["speedup"].format(ratio.value)
    if ratio.interval is None:
        return text
    low, high = (METRICS["speedup"].format(bound) for bound in ratio.interval)
    return text if low == high else f"{text} ({low} – {high})"


def _notes(records: Sequence[Record]) -> list[str]:
    """What must be said beneath a table: failures with their reasons, doubts, unmet precision."""
    notes = []
    for record in records:
        name = f"{_name(_workload(record))} ({_workload(record).impl})"
        if record.reason:
            notes.append(f"{name}: {record.status.replace('_', ' ')}: {record.reason}")
        notes += [f"{name}: {note}" for note in record.notes]
    out_of_time = [r for r in records if r.latency and r.latency.stopped_by == "time_budget"]
    if out_of_time:
        samples = min(len(_latency(record).samples_s) for record in out_of_time)
        notes.append(
            f"Sampling stopped at its time budget ({samples} samples a cell), before every "
            "interval was as narrow as asked; the intervals above say how well each is known."
        )
    return notes


def _workload(record: Record) -> Workload:
    assert isinstance(record.workload, Workload)
    return record.workload


def _latency(record: Record) -> Latency:
    assert record.latency is not None
    return record.latency

"""Records as a table in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from attnbench.analysis.selection.fastest import left_out_notes
from attnbench.records import CostRecord, ModelRecord, coverage
from attnbench.records.latency import Latency, Ratio, speed_up
from attnbench.records.trust import trust_in
from attnbench.spec import ModelWorkload, Workload
from attnbench.units import METRICS, format_seconds_beside

WIDE = 105
"""Columns of a terminal from which on implementation and intervals stand on one line."""


def print_layers(
    records: Sequence[CostRecord], console: Console, left_out: Sequence[CostRecord] = ()
) -> None:
    """One table per token grid: what each attention costs, and how it compares with dense.

    Args:
        records: a row each.
        console: where to.
        left_out: slower implementations of the same, and those that cannot run: named beneath.
    """
    for grid in dict.fromkeys(_workload(record).grid for record in records):
        here = [[r for r in some if _workload(r).grid == grid] for some in (records, left_out)]
        _print_grid(here[0], console, here[1])


def _print_grid(
    records: Sequence[CostRecord], console: Console, left_out: Sequence[CostRecord]
) -> None:
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
    table.add_column("", justify="center")  # the grade: its letter says enough
    between = " " if console.width >= WIDE else "\n"
    heads = ["params", "GMACs", f"latency{between}\\[95 %]", "memory"]
    if baseline is not None:
        heads.append(f"speed-up{between}\\[95 %]")
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for record in records:
        table.add_row(*_row(record, baseline, between))
    console.print(table)
    for note in [*left_out_notes(records, left_out), *_notes(records, baseline)]:
        console.print(Text(note))


def print_model(record: ModelRecord, console: Console) -> None:
    """Accuracy and cost of one trained model."""
    workload = record.workload
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


def _model_rows(record: ModelRecord, workload: ModelWorkload) -> list[tuple[str, str]]:
    rows = [("attention", workload.attention or "its own")]
    if record.scores is not None:
        shown = {name: value for name, value in record.scores.values.items() if name != "loss"}
        shown["throughput_per_s"] = record.scores.throughput_per_s
        rows += [(METRICS[key].label, _metric(key, value)) for key, value in shown.items()]
    rows += [("parameters", _metric("params", record.params)), ("GMACs", _macs(record))]
    if record.latency is not None:
        rows.append(("latency at batch 1 [95 %]", _latency_text(record.latency)))
    if record.memory is not None:
        rows.append(("peak memory (net)", _metric("memory_bytes", record.memory.peak_net_bytes)))
        resident = record.memory.resident_net_bytes
        if resident is not None:
            rows.append(("resident, weights included", _metric("memory_bytes", resident)))
    return rows


def fastest_dense(records: Sequence[CostRecord]) -> CostRecord | None:
    """The dense cell that others are compared with: the fastest one, whatever its impl."""
    dense = [r for r in records if _workload(r).attention == "dense" and r.latency is not None]
    return min(dense, key=lambda r: _latency(r).median_s, default=None)


def _row(record: CostRecord, baseline: CostRecord | None, between: str) -> list[str]:
    """The cells of a row; `between` parts a name from its impl, and a value from its interval."""
    trust = trust_in(record).grade if record.latency else "–"
    cells = [_name(_workload(record), between), trust]
    cells += [_metric("params", record.params), _macs(record)]
    if record.latency is None:
        return [*cells, record.status.replace("_", " ")]
    memory = record.memory.peak_net_bytes if record.memory else None
    cells += [_latency_text(record.latency, between), _metric("memory_bytes", memory)]
    if baseline is not None:
        cells.append(_ratio_text(speed_up(_latency(baseline), record.latency), between))
    return cells


def _name(workload: Workload, between: str = " ") -> str:
    anchors = workload.options.get("num_anchors")
    name = workload.attention if anchors is None else f"{workload.attention}-{anchors}"
    return f"{name}{between}({workload.impl})"


def _macs(record: CostRecord) -> str:
    return "–" if record.macs is None else f"{record.macs.products_macs / 1e9:.3f}"


def _metric(key: str, value: float | None) -> str:
    return "–" if value is None else METRICS[key].format(value)


def _latency_text(latency: Latency, between: str = " ") -> str:
    value = latency.median_s
    bounds = [format_seconds_beside(bound, value) for bound in latency.interval_s or ()]
    return _with_bounds(_metric("latency_s", value), bounds, between)


def _ratio_text(ratio: Ratio, between: str) -> str:
    text = _metric("speedup", ratio.value)
    bounds = [_metric("speedup", bound) for bound in ratio.interval or ()]
    return _with_bounds(text, bounds if set(bounds) != {text} else [], between)


def _with_bounds(text: str, bounds: Sequence[str], between: str) -> str:
    """A value and how well it is known: "61.6 ms [61.0 – 62.1]"."""
    return f"{text}{between}[{' – '.join(bounds)}]" if bounds else text


def _notes(records: Sequence[CostRecord], baseline: CostRecord | None) -> list[str]:
    """What must be said beneath a table: failures with their reasons, doubts, unmet precision."""
    notes = []
    if baseline is not None:
        notes.append(f"speed-up is over {_name(_workload(baseline))}, the fastest dense measured")
    mode = _workload(records[0]).mode
    if mode != "forward":
        notes.append(f"GMACs are those of the forward pass; latency and memory those of {mode}")
    counted = [record.macs for record in records if record.macs is not None]
    if counted:
        notes.append(f"GMACs: {coverage(name for macs in counted for name in macs.uncounted)}")
    for record in records:
        name = _name(_workload(record))
        if record.reason:
            notes.append(f"{name}: {record.status.replace('_', ' ')}: {record.reason}")
        notes += [f"{name}: {note}" for note in record.notes]
    return [*notes, *_stop_notes(records), *_trust_notes(records)]


def _stop_notes(records: Sequence[CostRecord]) -> list[str]:
    """What ended the sampling, where it was not the precision that was asked for."""
    measured = [record for record in records if record.latency is not None]
    cut = [r for r in measured if _latency(r).stopped_by == "time_budget" and r.protocol]
    if not cut:
        return []
    protocol = cut[0].protocol
    assert protocol is not None
    return [
        f"{len(cut)} of {len(measured)} cells were stopped by --time-budget "
        f"({protocol.time_budget_s:g} s a cell) before all were known within "
        f"{protocol.precision:.2g} of their median"
    ]


def _trust_notes(records: Sequence[CostRecord]) -> list[str]:
    """What the letters rest on: each doubt once, the cells that it is about, and what to do."""
    graded = [(_name(_workload(r)), trust_in(r)) for r in records if r.latency is not None]
    if not graded:
        return []
    found = [(name, doubt) for name, trust in graded for doubt in trust.doubts]
    if not found:
        return ["trust: A, nothing speaks against these numbers"]
    notes = []
    for kind in dict.fromkeys(doubt.name for _, doubt in found):
        about = [(name, doubt) for name, doubt in found if doubt.name == kind]
        name, gravest = max(about, key=lambda pair: pair[1].grade)
        others = f" (and {len(about) - 1} more)" if len(about) > 1 else ""
        notes.append(f"trust {gravest.grade}: {name}{others}: {gravest.text}; {gravest.advice}")
    return notes


def _workload(record: CostRecord) -> Workload:
    assert isinstance(record.workload, Workload)
    return record.workload


def _latency(record: CostRecord) -> Latency:
    assert record.latency is not None
    return record.latency

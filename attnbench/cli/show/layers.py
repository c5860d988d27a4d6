"""Print layers as tables: the cost of each attention and its speed-up over dense."""

from __future__ import annotations

from collections.abc import Sequence

from attnbench.analysis.naming import name_of, texts_of
from attnbench.analysis.quotable import POOR
from attnbench.analysis.remeasure import advice, cell_of
from attnbench.analysis.selection.fastest import left_out_notes
from attnbench.analysis.speedup.baseline import Baselines, Compared
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
    with_bounds,
)  # fmt: skip
from attnbench.records import CostRecord, LayerRecord, coverage, of_type
from attnbench.records.latency import Ratio

WIDE = 105
"""Terminal width from which names and intervals fit on one line."""


def print_layers(
    records: Sequence[CostRecord], screen: Screen, left_out: Sequence[CostRecord] = ()
) -> None:
    """Print one table per token grid, one row per layer.

    Args:
        records: the layers.
        screen: where to print.
        left_out: slower implementations and those that cannot run; they are named in notes.
    """
    shown, others = of_type(records, LayerRecord), of_type(left_out, LayerRecord)
    baselines = Baselines([*shown, *others], shown)
    for grid in dict.fromkeys(record.workload.grid for record in shown):
        here = [record for record in shown if record.workload.grid == grid]
        slower = [record for record in others if record.workload.grid == grid]
        _print_grid(here, screen, slower, baselines)


def _print_grid(
    records: Sequence[LayerRecord],
    screen: Screen,
    left_out: Sequence[LayerRecord],
    baselines: Baselines,
) -> None:
    compared = [baselines.compare(record) for record in records]
    over = [one.baseline for one in compared if one is not None]
    first = records[0].workload
    screen.say(
        (f"{first.num_tokens:,} tokens", "bold"),
        f" ({first.grid[0]} × {first.grid[1]}), "
        f"dim {first.dim}, {first.num_heads} heads, batch {first.batch}, {first.dtype}, "
        f"{first.mode}; {records[0].environment.label}",
        gap=True,
    )
    between = " " if screen.width >= WIDE else "\n"
    heads = ["params", "GMACs", f"latency{between}[95 %]", memory_head(records, between)]
    if over:
        heads.append(f"speed-up{between}[95 %]")
    grade = Column("", "center", name="trust")  # a letter needs no head
    screen.table(
        [Column("attention"), grade, *map(number, heads)],
        [_row(record, one, between) for record, one in zip(records, compared, strict=True)],
    )
    for note in [*left_out_notes(records, left_out), *_notes(records, over)]:
        screen.say(note)


def _row(record: LayerRecord, compared: Compared | None, between: str) -> list[str]:
    """The texts of a row; `between` separates names from `impl`, and values from intervals."""
    trust = trust_in(record).grade if record.latency else MISSING
    cells = [name_of(record.workload, between), trust]
    cells += [metric_text("params", record.params), macs_text(record)]
    if record.latency is None:
        return [*cells, record.status.replace("_", " ")]
    cells += [latency_text(record.latency, between), memory_text(record, between)]
    if compared is not None:
        sure = is_quotable(record) and is_quotable(compared.baseline)
        cells.append(_ratio_text(compared.ratio, between, "" if sure else " (C)"))
    return cells


def _ratio_text(ratio: Ratio, between: str, mark: str) -> str:
    """The speed-up with its interval; `mark` says that it must not be quoted."""
    text = metric_text("speedup", ratio.value)
    bounds = [metric_text("speedup", bound) for bound in ratio.interval or ()]
    return with_bounds(text + mark, bounds if set(bounds) != {text} else [], between)


def _notes(records: Sequence[LayerRecord], over: Sequence[LayerRecord]) -> list[str]:
    """The notes below a table: baselines, failures, doubts and missed precision.

    `over` holds the baselines of the speed-ups.
    """
    notes = []
    if over:
        names = texts_of(name_of(baseline.workload) for baseline in over)
        notes.append(f"speed-up is over {names}, the fastest dense attention measured")
        if not all(is_quotable(record) for record in (*records, *over) if record.latency):
            notes.append("(C) the row or its baseline is graded C: do not quote the speed-up")
    mode = records[0].workload.mode
    if mode != "forward":
        notes.append(f"GMACs are for the forward pass; latency and memory for {mode}")
    counted = [record.macs for record in records if record.macs is not None]
    if counted:
        notes.append(f"GMACs: {coverage(name for macs in counted for name in macs.uncounted)}")
    for record in records:
        name = name_of(record.workload)
        if record.reason:
            notes.append(f"{name}: {record.status.replace('_', ' ')}: {record.reason}")
        notes += [f"{name}: {note}" for note in record.notes]
    return [*notes, *_stop_notes(records), *_trust_notes(records)]


def _stop_notes(records: Sequence[LayerRecord]) -> list[str]:
    """A note if the time budget ended sampling before the precision was reached."""
    measured = [record for record in records if record.latency is not None]
    cut = [
        (name_of(record.workload), record.protocol)
        for record in measured
        if record.latency and record.latency.stopped_by == "time_budget" and record.protocol
    ]
    if not cut:
        return []
    protocol = cut[0][1]
    which = "all" if len(cut) == len(measured) else ", ".join(name for name, _ in cut)
    return [
        f"stopped by --time-budget ({protocol.time_budget_s:g} s per cell) before the interval was "
        f"within {protocol.precision:.2g} of the median: {which}"
    ]


def _trust_notes(records: Sequence[LayerRecord]) -> list[str]:
    """The reasons for the grades, and what to run for the cells graded C."""
    measured = [record for record in records if record.latency is not None]
    notes = trust_notes([(name_of(record.workload), trust_in(record)) for record in measured])
    poor = [record for record in measured if not is_quotable(record)]
    if poor:
        names = ", ".join(name_of(record.workload) for record in poor)
        found = advice(cell_of(record) for record in poor)
        notes.append(f"{POOR}, do not quote: {names}; to measure again, {found}")
    return notes

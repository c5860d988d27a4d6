"""`--impl best`: keep the fastest measured implementation of each mechanism."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from attnbench.analysis.keys import implementation_of
from attnbench.analysis.naming import joined_by_and, mechanism_name
from attnbench.analysis.quotable import POOR, is_quotable
from attnbench.records import CostRecord, LayerRecord, of_type
from attnbench.spec import identity
from attnbench.units import METRICS


def fastest_of_each(
    records: Sequence[CostRecord],
) -> tuple[list[LayerRecord], list[LayerRecord]]:
    """Split layers into the fastest implementation of each cell, by median latency, and the rest.

    Here, cells that differ only in the implementation count as one cell. Only records with status
    `ok` can be fastest. If a cell has none, all its records are in the first list.
    """
    layers = of_type(records, LayerRecord)
    cells: dict[Hashable, list[LayerRecord]] = {}
    for record in layers:
        cells.setdefault(_cell(record), []).append(record)
    chosen = [record for cell in cells.values() for record in _fastest(cell)]
    shown = {id(record) for record in chosen}
    return chosen, [record for record in layers if id(record) not in shown]


def _fastest(cell: Sequence[LayerRecord]) -> Sequence[LayerRecord]:
    measured = [record for record in cell if record.status == "ok" and record.latency is not None]
    return [min(measured, key=_median_s)] if measured else cell


def left_out_notes(shown: Sequence[LayerRecord], left_out: Sequence[LayerRecord]) -> list[str]:
    """One line per cell: the fastest implementation, the slower ones, and those that failed."""
    notes = []
    slower: dict[Hashable, list[LayerRecord]] = {}
    for record in left_out:
        slower.setdefault(_cell(record), []).append(record)
    for fastest in shown:
        if others := slower.get(_cell(fastest), []):
            notes.append(_note(fastest, others))
    return notes


def _note(fastest: LayerRecord, others: Sequence[LayerRecord]) -> str:
    measured = [r for r in others if r.status == "ok" and r.latency is not None]
    sure = [one for one in measured if is_quotable(one) and is_quotable(fastest)]
    slower = [
        f"{one.workload.impl} takes {_times(one, fastest)} as long"
        for one in sorted(sure, key=_median_s)
    ]
    unsure = [one for one in measured if all(one is not other for other in sure)]
    if unsure:
        names = joined_by_and([one.workload.impl for one in unsure])
        slower.append(f"{POOR} to compare it with {names}")
    failed = [
        f"{one.workload.impl} {one.status.replace('_', ' ')} ({one.reason})"
        for one in others
        if all(one is not other for other in measured)
    ]
    name = mechanism_name(implementation_of(fastest.workload))
    place = "has the lowest median" if unsure else "is the fastest"
    return f"{name}: {fastest.workload.impl} {place}; " + "; ".join([*slower, *failed])


def _times(one: LayerRecord, other: LayerRecord) -> str:
    return METRICS["speedup"].format(_median_s(one) / _median_s(other))


def _cell(record: LayerRecord) -> Hashable:
    """The workload without the implementation."""
    return identity(record.workload, impl="")


def _median_s(record: LayerRecord) -> float:
    assert record.latency is not None
    return record.latency.median_s

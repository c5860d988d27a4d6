"""`--impl best`: of all implementations that were measured, the fastest of each mechanism."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from attnbench.records import CostRecord
from attnbench.spec import Workload, identity
from attnbench.units import METRICS


def fastest_of_each(records: Sequence[CostRecord]) -> tuple[list[CostRecord], list[CostRecord]]:
    """The record with the least median latency of each cell, and the others.

    Cells that differ in the implementation alone are one. Only what ended well can be fastest; of
    a cell in which nothing did, every record is in the first list, with its reason.
    """
    cells: dict[Hashable, list[CostRecord]] = {}
    for record in records:
        cells.setdefault(_cell(record), []).append(record)
    chosen = [record for cell in cells.values() for record in _fastest(cell)]
    return chosen, [record for record in records if all(record is not one for one in chosen)]


def _fastest(cell: Sequence[CostRecord]) -> Sequence[CostRecord]:
    measured = [record for record in cell if record.status == "ok" and record.latency is not None]
    return [min(measured, key=_median_s)] if measured else cell


def left_out_notes(shown: Sequence[CostRecord], left_out: Sequence[CostRecord]) -> list[str]:
    """A line for each cell: the fastest implementation, what was slower, what could not run."""
    notes = []
    for fastest in shown:
        others = [record for record in left_out if _cell(record) == _cell(fastest)]
        if others:
            notes.append(_note(fastest, others))
    return notes


def _note(fastest: CostRecord, others: Sequence[CostRecord]) -> str:
    measured = [r for r in others if r.status == "ok" and r.latency is not None]
    slower = [
        f"{_workload(one).impl} takes {_times(one, fastest)} as long"
        for one in sorted(measured, key=_median_s)
    ]
    failed = [
        f"{_workload(one).impl} {one.status.replace('_', ' ')} ({one.reason})"
        for one in others
        if all(one is not other for other in measured)
    ]
    workload = _workload(fastest)
    anchors = workload.options.get("num_anchors")
    name = workload.attention if anchors is None else f"{workload.attention}-{anchors}"
    return f"{name}: {workload.impl} is the fastest; " + "; ".join([*slower, *failed])


def _times(one: CostRecord, other: CostRecord) -> str:
    return METRICS["speedup"].format(_median_s(one) / _median_s(other))


def _cell(record: CostRecord) -> Hashable:
    """What records have in common that differ in the implementation alone."""
    return identity(_workload(record), impl="")


def _median_s(record: CostRecord) -> float:
    assert record.latency is not None
    return record.latency.median_s


def _workload(record: CostRecord) -> Workload:
    assert isinstance(record.workload, Workload)
    return record.workload

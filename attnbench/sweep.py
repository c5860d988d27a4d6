"""A sweep: which cells of a grid are run, and what the outcome of one says about others.

A cell is known from an earlier sweep, or certain not to run, or it is measured. Measuring is handed
in as a function, which may report that it lost the cell together with the process that ran it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from attnbench.profiling.environment import missing_device
from attnbench.records import Record, Status
from attnbench.runner import AnyWorkload, OnRecord, OnStep, open_record, profile
from attnbench.spec import Protocol, Workload
from attnbench.subjects import subject_of
from attnbench.worker import CellLostError

Measure = Callable[[AnyWorkload, Protocol], Record]
"""Measures one cell; raises `CellLostError` where there is no record to return."""
Verdict = tuple[Status, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCell:
    """A cell before its turn; it is to be measured if nothing is known and there is no verdict."""

    workload: AnyWorkload
    name: str
    known: Record | None = None
    """Its record of an earlier sweep, where that needs no measuring again."""
    verdict: Verdict | None = None
    """Status and reason of a cell that is certain not to run."""


def plan(
    workloads: Sequence[AnyWorkload],
    protocol: Protocol,
    device: torch.device,
    settled: Mapping[str, Record],
) -> list[PlannedCell]:
    """What `sweep` would do with each cell, in their order; the device may be missing."""
    missing = missing_device(device)
    if missing:
        verdict: Verdict = ("unsupported", missing)
        return [
            PlannedCell(workload=w, name=subject_of(w).name, verdict=verdict) for w in workloads
        ]
    known = [settled.get(open_record(w, protocol, device).key) for w in workloads]
    exhausted = [r.workload for r in known if r is not None and r.status == "out_of_memory"]
    return [_plan_cell(w, record, exhausted) for w, record in zip(workloads, known, strict=True)]


def _plan_cell(
    workload: AnyWorkload, known: Record | None, exhausted: Sequence[AnyWorkload]
) -> PlannedCell:
    subject = subject_of(workload)
    if known is not None:
        return PlannedCell(workload=workload, name=subject.name, known=known)
    verdict = _too_large(workload, exhausted)
    if subject.unsupported:
        verdict = ("unsupported", subject.unsupported)
    return PlannedCell(workload=workload, name=subject.name, verdict=verdict)


def sweep(
    workloads: Sequence[AnyWorkload],
    protocol: Protocol | None = None,
    device: torch.device | str = "cpu",
    *,
    measure: Measure | None = None,
    settled: Mapping[str, Record] | None = None,
    on_record: OnRecord = lambda record: None,
    on_cell: Callable[[bool], None] = lambda skipped: None,
    on_step: OnStep = lambda text: None,
) -> list[Record]:
    """Settle cells one by one, each complete before the next begins.

    Args:
        workloads: the cells; smaller ones should come first, so that they can spare larger ones.
        protocol: how latency is measured; its budget is per cell here.
        device: where; it must be there.
        measure: what measures a cell, as `Worker.measure`; None measures in this process.
        settled: records of cells that need no measuring again, by key.
        on_record: told each record when it is complete, for storing.
        on_cell: told after each cell whether it was skipped as settled.
        on_step: told the name of each cell that is begun.

    Returns:
        The new records.
    """
    protocol, device = protocol or Protocol(), torch.device(device)
    measure = measure or _measure_here(device)
    records: list[Record] = []
    exhausted: list[AnyWorkload] = []
    for cell in plan(workloads, protocol, device, settled or {}):
        if cell.known is None:
            on_step(cell.name)
            records.append(_settle(cell, protocol, device, measure, exhausted))
            on_record(records[-1])
        on_cell(cell.known is not None)
    return records


def _settle(
    cell: PlannedCell,
    protocol: Protocol,
    device: torch.device,
    measure: Measure,
    exhausted: list[AnyWorkload],
) -> Record:
    """The record of a cell; one that was tried and ran out of memory joins the exhausted ones."""
    verdict = cell.verdict or _too_large(cell.workload, exhausted)
    if verdict is not None:
        return _failed(cell.workload, protocol, device, verdict)
    try:
        record = measure(cell.workload, protocol)
    except CellLostError as lost:
        record = _failed(cell.workload, protocol, device, (lost.status, lost.reason))
    if record.status == "out_of_memory":
        exhausted.append(cell.workload)
    return record


def _failed(
    workload: AnyWorkload, protocol: Protocol, device: torch.device, verdict: Verdict
) -> Record:
    status, reason = verdict
    return replace(open_record(workload, protocol, device), status=status, reason=reason)


def _measure_here(device: torch.device) -> Measure:
    return lambda workload, protocol: profile([workload], protocol, device)[0]


def _too_large(workload: AnyWorkload, exhausted: Sequence[AnyWorkload]) -> Verdict | None:
    """Out of memory without a try, where a smaller cell of the same kind ran out of it."""
    smaller = [other for other in exhausted if _is_smaller(other, workload)]
    if not smaller:
        return None
    least = min(smaller, key=_size)
    name = f"{subject_of(least).name}, batch {least.batch}"
    return "out_of_memory", f"not tried: {name}, which is smaller, ran out of memory"


def _is_smaller(one: AnyWorkload, other: AnyWorkload) -> bool:
    """Whether the same thing runs on fewer tokens or a smaller batch, and on more of neither.

    One is not traded for the other: many images of few tokens may have more tokens in all and
    need less memory, because attention grows with the square of the tokens of an image.
    """
    (tokens, batch), (other_tokens, other_batch) = _size(one), _size(other)
    fits_inside = tokens <= other_tokens and batch <= other_batch
    return fits_inside and _size(one) != _size(other) and _kind(one) == _kind(other)


def _kind(workload: AnyWorkload) -> AnyWorkload:
    """The workload with its size taken out: equal kinds differ in size alone."""
    if isinstance(workload, Workload):
        return replace(workload, grid=(1, 1), batch=1)
    return replace(workload, img_size=(1, 1), batch=1)


def _size(workload: AnyWorkload) -> tuple[int, int]:
    """Tokens and batch; for a model pixels, which its tokens grow with, and batch."""
    height, width = workload.grid if isinstance(workload, Workload) else workload.img_size
    return height * width, workload.batch

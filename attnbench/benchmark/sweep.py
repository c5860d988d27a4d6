"""A sweep: which cells of a grid are run, and what the outcome of one says about others.

A cell is known from an earlier sweep, or it certainly cannot run, or it is measured together with
the other cells of its comparison. The function that measures is an argument. It may report that
the process was lost in which the cells ran, and which cell was at work then.

From Python, as the command line does it:

    out = Path("results/runs/mine.jsonl")
    with SharedFile(out) as shared, Worker("cpu", plugins=()) as worker:
        sweep(workloads, measure=worker.measure, shared=shared, on_record=Recorder(out).keep)

Several processes that run this with one file share the cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import torch

from attnbench import clocks
from attnbench.benchmark.runner import OnRecord, OnStep, blamed_jointly, open_record, profile
from attnbench.benchmark.shared_file import SharedFile
from attnbench.benchmark.subject import subject_of
from attnbench.benchmark.too_large import too_large
from attnbench.isolation.failure import Failure, WorkLostError
from attnbench.profiling.machine.environment import missing_device
from attnbench.records import CostRecord
from attnbench.spec import AnyWorkload, Protocol

LOOK_EVERY_S = 0.5
"""How often a sweep asks whether another has measured what is left."""

Measure = Callable[[Sequence[AnyWorkload], Protocol, OnStep], list[CostRecord]]
"""Measures one comparison; raises `WorkLostError` where there are no records to return."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCell:
    """A cell before its turn; it is measured if it has neither a known record nor a verdict."""

    workload: AnyWorkload
    name: str
    known: CostRecord | None = None
    """Its settled record of an earlier sweep."""
    verdict: Failure | None = None
    """Status and reason of a cell that certainly cannot run."""


def plan(
    workloads: Sequence[AnyWorkload],
    protocol: Protocol,
    device: torch.device,
    settled: Mapping[str, CostRecord],
) -> list[PlannedCell]:
    """What `sweep` would do with each cell, in order; the device need not be there."""
    missing = missing_device(device)
    if missing:
        verdict: Failure = ("unsupported", missing)
        return [
            PlannedCell(workload=w, name=subject_of(w).name, verdict=verdict) for w in workloads
        ]
    known = [settled.get(open_record(w, protocol, device).key) for w in workloads]
    exhausted = [r.workload for r in known if r is not None and r.status == "out_of_memory"]
    return [
        _plan_cell(workload, device, record, exhausted)
        for workload, record in zip(workloads, known, strict=True)
    ]


def _plan_cell(
    workload: AnyWorkload,
    device: torch.device,
    known: CostRecord | None,
    exhausted: Sequence[AnyWorkload],
) -> PlannedCell:
    subject = subject_of(workload)
    if known is not None:
        return PlannedCell(workload=workload, name=subject.name, known=known)
    verdict = too_large(workload, exhausted)
    reason = subject.unsupported(device)
    if reason:
        verdict = ("unsupported", reason)
    return PlannedCell(workload=workload, name=subject.name, verdict=verdict)


def sweep(
    workloads: Sequence[AnyWorkload],
    protocol: Protocol | None = None,
    device: torch.device | str = "cpu",
    *,
    measure: Measure | None = None,
    settled: Mapping[str, CostRecord] | None = None,
    on_record: OnRecord = lambda record: None,
    on_cell: Callable[[bool], None] = lambda skipped: None,
    on_step: OnStep = lambda text: None,
    together: Callable[[AnyWorkload], object] = lambda workload: workload.comparison(),
    shared: SharedFile | None = None,
) -> list[CostRecord]:
    """Settle comparisons one by one, each complete before the next begins.

    The cells of a comparison differ in the attention alone, and are sampled in turn. If the
    process is lost, the cell that was at work gets another try alone, and the others are sampled
    in turn again, so that a bad one costs no other.

    Args:
        workloads: the cells, those of a comparison together. Smaller ones should come first: if
            they run out of memory, larger ones need no try.
        protocol: how latency is measured.
        device: where; it must exist.
        measure: what measures a comparison, as `Worker.measure`; None measures in this process.
        settled: records of cells that are not measured again, by key.
        on_record: called with each record when it is complete, for storing.
        on_cell: called after each cell; True if it was skipped as settled.
        on_step: called with a line about what is being done.
        together: what the cells of a comparison have in common.
        shared: the file that other sweeps may write to at the same time. What they are measuring,
            or have measured since it was opened, is not measured here; the sweep ends when they
            have.

    Returns:
        The new records.
    """
    protocol, device = protocol or Protocol(), torch.device(device)
    settling = _Settling(protocol, device, measure or _measure_here(device), on_step)
    records: list[CostRecord] = []
    cells = plan(workloads, protocol, device, settled or {})
    groups = [list(group) for _, group in groupby(cells, lambda cell: together(cell.workload))]
    for new in _in_our_turn(_without_known(groups, on_cell), shared, protocol, device, on_step):
        settling.exhausted += _out_of_memory(new)
        (remaining,) = _without_known([new], on_cell)
        for record in settling.settle(remaining):
            records.append(record)
            on_record(record)
            on_cell(False)
    return records


def _without_known(
    groups: Sequence[Sequence[PlannedCell]], on_cell: Callable[[bool], None]
) -> Iterator[list[PlannedCell]]:
    """Each comparison without the cells that are settled already, which are told."""
    for group in groups:
        new = [cell for cell in group if cell.known is None]
        for _ in range(len(group) - len(new)):
            on_cell(True)
        yield new


def _out_of_memory(cells: Iterable[PlannedCell]) -> list[AnyWorkload]:
    """The cells that are known to run out of memory."""
    known = (cell.known for cell in cells)
    return [one.workload for one in known if one is not None and one.status == "out_of_memory"]


def _in_our_turn(
    groups: Iterable[list[PlannedCell]],
    shared: SharedFile | None,
    protocol: Protocol,
    device: torch.device,
    on_step: OnStep,
) -> Iterator[list[PlannedCell]]:
    """Each comparison, while no other sweep measures it; those of others come last.

    A cell that another sweep has stored meanwhile is known.
    """
    if shared is None:
        yield from groups
        return
    waiting = [group for group in groups if group]
    while waiting:
        later = []
        for group in waiting:
            keys = [open_record(cell.workload, protocol, device).key for cell in group]
            with shared.claimed(keys) as ours:
                if ours:
                    stored = map(shared.stored_since().get, keys)
                    yield [replace(c, known=k) for c, k in zip(group, stored, strict=True)]
                else:
                    later.append(group)
        if len(later) == len(waiting):
            on_step(f"waiting for {sum(map(len, later))} cells of another sweep")
            clocks.sleep(LOOK_EVERY_S)
        waiting = later


@dataclass
class _Settling:
    """Turns planned cells into records, and remembers which ran out of memory."""

    protocol: Protocol
    device: torch.device
    measure: Measure
    on_step: OnStep
    exhausted: list[AnyWorkload] = field(default_factory=list)
    """Cells that were tried and ran out of memory."""

    def settle(self, cells: Sequence[PlannedCell]) -> list[CostRecord]:
        """The records of one comparison, in their order."""
        verdicts = [cell.verdict or too_large(cell.workload, self.exhausted) for cell in cells]
        to_measure = [c.workload for c, verdict in zip(cells, verdicts, strict=True) if not verdict]
        measured = iter(self._measure_all(to_measure))
        return [
            next(measured)
            if verdict is None
            else _failed(cell.workload, self.protocol, self.device, verdict)
            for cell, verdict in zip(cells, verdicts, strict=True)
        ]

    def _measure_all(self, workloads: Sequence[AnyWorkload]) -> list[CostRecord]:
        """Measured in turn; a cell that was lost or ran out of memory gets another try alone.

        So do cells that are blamed jointly, to find the guilty one. The others are then measured
        in turn again.
        """
        everyone = dict(enumerate(workloads))
        records = self._measure_in_turn(everyone)
        blamed = any(blamed_jointly(record) for record in records.values())
        alone = {
            place: self._measure_alone(workload)
            for place, workload in everyone.items()
            if place not in records or _needs_try_alone(records[place])
        }
        records |= alone
        if blamed:
            good = {place: everyone[place] for place in alone if alone[place].status == "ok"}
            again = self._measure_in_turn(good)
            records |= {place: one for place, one in again.items() if one.status == "ok"}
        return [records[place] for place in everyone]

    def _measure_in_turn(self, cells: Mapping[int, AnyWorkload]) -> dict[int, CostRecord]:
        """Records of the cells that can be sampled together, by their place.

        Each time that the process is lost, the cell that it was working on is left out.
        """
        cells = dict(cells)
        while len(cells) > 1:
            try:
                records = self.measure([*cells.values()], self.protocol, self.on_step)
            except WorkLostError as lost:
                if lost.part is None:  # lost before any cell began
                    break
                del cells[[*cells][lost.part]]
            else:
                return dict(zip(cells, records, strict=True))
        return {}

    def _measure_alone(self, workload: AnyWorkload) -> CostRecord:
        self.on_step(subject_of(workload).name)
        try:
            (record,) = self.measure([workload], self.protocol, self.on_step)
        except WorkLostError as lost:
            record = _failed(workload, self.protocol, self.device, (lost.status, lost.reason))
        if record.status == "out_of_memory":
            self.exhausted.append(workload)
        return record


def _needs_try_alone(record: CostRecord) -> bool:
    """Whether the outcome of a cell may be the fault of those beside it."""
    return record.status == "out_of_memory" or blamed_jointly(record)


def _failed(
    workload: AnyWorkload, protocol: Protocol, device: torch.device, verdict: Failure
) -> CostRecord:
    status, reason = verdict
    return replace(open_record(workload, protocol, device), status=status, reason=reason)


def _measure_here(device: torch.device) -> Measure:
    return lambda workloads, protocol, on_step: profile(
        workloads, protocol, device, on_step=on_step
    )

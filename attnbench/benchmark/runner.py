"""Measure workloads: build each one, count, time, and return a record.

A comparison is a group of workloads whose latencies are sampled in turn. A cell that fails becomes
a record with a status and a reason, and costs no other cell. Crashes that Python cannot catch are
handled by `worker`, which measures the cells of a `sweep` in a process that may be lost.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import nn

from attnbench import clocks
from attnbench.benchmark.compiler import CompilerForCells
from attnbench.benchmark.counts import count_cell
from attnbench.benchmark.instance import Instance, build_instance
from attnbench.benchmark.subject import Subject, subject_of
from attnbench.benchmark.surroundings import Surroundings, import_changes
from attnbench.impls import may_use_sdpa
from attnbench.isolation.failure import failure
from attnbench.profiling.code_path import code_path_of
from attnbench.profiling.denormals import denormal_share
from attnbench.profiling.energy.windows import measure_energy
from attnbench.profiling.fused_kernel import fused_backend
from attnbench.profiling.latency.collector import collector_notes
from attnbench.profiling.latency.sampling import CallFailedError, measure_latencies
from attnbench.profiling.latency.timer import timer_for
from attnbench.profiling.machine.environment import choose_device, describe_environment
from attnbench.profiling.machine.gpu_state import ClockWatch
from attnbench.profiling.memory.footprint import measure_footprint, memory_notes
from attnbench.records import COST_RECORDS, CostRecord, Environment, Status, now
from attnbench.spec import AnyWorkload, Protocol

OnRecord = Callable[[CostRecord], None]
OnStep = Callable[[str], None]
OnCell = Callable[[int], None]


@dataclass(kw_only=True)
class Cell:
    """A workload on its way to a record."""

    workload: AnyWorkload
    subject: Subject
    record: CostRecord
    built: nn.Module | None = None
    """A module that exists, to be measured in place of a new one."""
    instance: Instance | None = None
    """None before it is built, and after it has failed."""
    measured: dict[str, Any] = field(default_factory=dict)
    """Fields of the record, as they become known."""

    def fail(self, status: Status, reason: str) -> None:
        """End the cell; its counts stay, its latency and memory are dropped."""
        self.instance = None
        self.measured |= {"status": status, "reason": reason, "latency": None, "memory": None}

    @property
    def reason(self) -> str:
        """Why it has failed, or ""."""
        reason: str = self.measured.get("reason", "")
        return reason

    def note(self, *texts: str) -> None:
        """Add what to know before quoting the numbers; each text once."""
        known = self.measured.get("notes", ())
        self.measured["notes"] = tuple(dict.fromkeys([*known, *texts]))

    def finish(self) -> CostRecord:
        """The record of the cell; module and input are released."""
        self.instance = None
        return replace(self.record, **self.measured)


def profile(
    workloads: Sequence[AnyWorkload],
    protocol: Protocol | None = None,
    device: torch.device | str = "cpu",
    *,
    built: Sequence[nn.Module] = (),
    on_record: OnRecord = lambda record: None,
    on_step: OnStep = lambda text: None,
    on_cell: OnCell = lambda index: None,
) -> list[CostRecord]:
    """Measure one comparison: the workloads' latencies are sampled in turn.

    Nothing is stored. Pass `Recorder(path).keep` as `on_record` to append each record to a file.

    Args:
        workloads: the cells; to be compared, they should differ in the attention alone.
        protocol: how latency is measured.
        device: where.
        built: modules to measure in place of new ones, one a workload, such as trained models. They
            are moved to `device` and to the dtype of the workload, and left in its mode.
        on_record: called with each record when it is complete.
        on_step: called with a line about what is being done, for a progress display.
        on_cell: called with the place of a workload before its code runs, for blame after a crash.

    Returns:
        One record per workload, in their order; a failure is a status with a reason.
    """
    protocol, device = protocol or Protocol(), choose_device(str(device))
    surroundings = Surroundings()
    modules: Sequence[nn.Module | None] = built or [None] * len(workloads)
    cells = [
        _open_cell(workload, protocol, device, module)
        for workload, module in zip(workloads, modules, strict=True)
    ]
    records = []
    with CompilerForCells(len(cells)) as compiler:
        for place, cell in enumerate(cells):
            on_cell(place)
            on_step(f"building {cell.subject.name}")
            _guard(cell, partial(_prepare, cell, device, compiler), surroundings)
        _time(cells, protocol, device, on_step, on_cell, surroundings)
        for place, cell in enumerate(cells):
            on_cell(place)
            if cell.instance is not None:
                on_step(f"memory{' and energy' * protocol.energy} of {cell.subject.name}")
                measure = partial(_measure_memory, cell, cell.instance, protocol, device)
                _guard(cell, measure, surroundings)
            records.append(cell.finish())
            on_record(records[-1])
    return records


def environment_of(subject: Subject, device: torch.device) -> Environment:
    """The conditions of a cell, with the hash of its subject's code."""
    return describe_environment(device, subject.code)


def open_record(workload: AnyWorkload, protocol: Protocol, device: torch.device) -> CostRecord:
    """The record of a cell before anything is measured: its key is final, its outcome is not."""
    return COST_RECORDS[workload.kind](
        workload=workload,
        protocol=protocol,
        environment=environment_of(subject_of(workload), device),
        created=now(),
    )


def _open_cell(
    workload: AnyWorkload, protocol: Protocol, device: torch.device, built: nn.Module | None
) -> Cell:
    record = open_record(workload, protocol, device)
    return Cell(workload=workload, subject=subject_of(workload), record=record, built=built)


def _guard(cell: Cell, work: Callable[[], None], surroundings: Surroundings) -> None:
    """Run a part of a cell; an exception becomes the cell's status and reason.

    So does a change of what all cells share: it is put back.
    """
    try:
        work()
    except Exception as error:  # noqa: BLE001 - a stranger's mechanism may raise anything
        cell.fail(*failure(error))
    if changes := surroundings.restore():
        failed = cell.measured.get("status")
        cell.fail(failed or "failed", "; ".join(filter(None, [cell.reason, changes])))


def _prepare(cell: Cell, device: torch.device, compiler: CompilerForCells) -> None:
    """Count, build and call once: a cell that cannot run fails before any timing."""
    reason = cell.subject.unsupported(device)
    if reason:
        cell.fail("unsupported", reason)
        return
    makes_weights = count_cell(cell.subject, cell.workload, cell.measured)
    changes, grave = import_changes(cell.workload)
    if grave:
        cell.fail("failed", changes)
        return
    cell.note(*filter(None, [changes]))
    instance = build_instance(cell.subject, cell.workload, device, cell.built, makes_weights)
    with compiler.calling() as notes:
        cell.measured["first_call_s"] = _call_first(instance, device)
    cell.note(*notes)
    if may_use_sdpa(cell.workload.impl):
        cell.measured["backend"] = fused_backend(instance.call)
    cell.instance = instance


def _call_first(instance: Instance, device: torch.device) -> float:
    """Seconds of the first call, which may compile, tune and allocate; its output is verified."""
    instance.verifier.prepare(verify=True)
    start = clocks.perf_counter()
    instance.call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    taken = clocks.perf_counter() - start
    instance.verifier.inspect()
    return taken


def _time(
    cells: Sequence[Cell],
    protocol: Protocol,
    device: torch.device,
    on_step: OnStep,
    on_cell: OnCell,
    surroundings: Surroundings,
) -> None:
    """Sample the latencies of all built cells in turn; if one fails, the others start again."""
    while instances := {i: cell.instance for i, cell in enumerate(cells) if cell.instance}:
        for instance in instances.values():
            instance.verifier.begin(protocol.min_samples)
        check = clocks.ClockCheck()
        try:
            latencies = measure_latencies(
                {index: one.call for index, one in instances.items()},
                protocol,
                timer_for(device, protocol.cache),
                rounds_with=uuid.uuid4().hex[:12] if len(instances) > 1 else "",
                prepare=partial(_prepare_call, on_cell, instances),
                inspect=lambda index: instances[index].verifier.inspect(),
                on_round=partial(_tell_round, on_step, instances),
                on_waiting=partial(
                    on_step, "latency, beyond the budget: waiting for undisturbed samples"
                ),
                watch=ClockWatch(device),
            )
        except CallFailedError as failed:
            cells[failed.name].fail(*failure(failed.error))
            surroundings.restore()
            continue
        for index, latency in latencies.items():
            cells[index].measured["latency"] = latency
            cells[index].note(*collector_notes(latency))
        if wrong := "; ".join(filter(None, [check.disagreement(), surroundings.restore()])):
            for index in instances:
                cells[index].fail("failed", _blame(wrong, len(instances)))
        return


def _prepare_call(on_cell: OnCell, instances: Mapping[int, Instance], index: int) -> None:
    on_cell(index)
    instances[index].verifier.prepare()


ONE_OF_THEM = "one of the {cells} cells sampled in turn "


def _blame(wrong: str, cells: int) -> str:
    """The reason for one cell, or for all that were sampled in turn."""
    if cells == 1:
        return wrong
    return f"{ONE_OF_THEM.format(cells=cells)}{wrong}; measure each alone to find it"


def blamed_jointly(record: CostRecord) -> bool:
    """Whether a cell has failed because one of those that it was sampled with did harm."""
    start, _, end = ONE_OF_THEM.partition("{cells}")
    return record.reason.startswith(start) and end in record.reason


def _tell_round(on_step: OnStep, instances: Mapping[int, Instance], rounds: int) -> None:
    for instance in instances.values():
        instance.verifier.round = rounds
    cells = len(instances)
    stage = f"latency, round {rounds + 1}" if rounds else "warming up"
    on_step(f"{stage} of {cells} cell{'s' if cells > 1 else ''}")


def _measure_memory(
    cell: Cell, instance: Instance, protocol: Protocol, device: torch.device
) -> None:
    """Memory and code path, energy if asked for, and a last look at the honesty of the calls."""
    memory = measure_footprint(instance.call, instance.module, instance.forward, instance.x)
    cell.measured["memory"] = memory
    cell.measured["code_path"] = code_path_of(instance.call, device)
    cell.note(*memory_notes(memory))
    if protocol.energy:
        cell.measured["energy"] = measure_energy(instance.call, device)
    instance.verifier.finish()
    cell.note(*instance.verifier.notes)
    if device.type == "cpu":  # GPUs compute with denormal numbers at full speed
        with suppress(Exception):  # code that cannot be watched is no failure
            cell.measured["denormal_share"] = denormal_share(instance.call)

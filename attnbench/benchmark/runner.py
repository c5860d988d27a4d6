"""For each workload: build, measure, record, flush. Joins what is compared to how it is measured.

A comparison is a group of workloads whose latencies are sampled in turn. Whatever happens to one
cell is a result of that cell, with its reason, and costs no other cell. What no Python program can
catch is for `worker`, which measures each cell of a `sweep` in a process that may be lost.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import partial
from typing import Any

import torch

from attnbench.attention.impls import may_use_sdpa
from attnbench.benchmark.instance import Instance, start
from attnbench.benchmark.subject import Subject, subject_of
from attnbench.errors import UserError
from attnbench.profiling.counting.macs import CountError, count_macs
from attnbench.profiling.counting.traffic import count_traffic
from attnbench.profiling.energy.windows import measure_energy
from attnbench.profiling.fused_kernel import fused_backend
from attnbench.profiling.honesty import DishonestError
from attnbench.profiling.latency.sampling import CallFailedError, measure_latencies
from attnbench.profiling.latency.timer import Call, timer_for
from attnbench.profiling.machine.environment import describe_environment
from attnbench.profiling.machine.gpu_state import ClockWatch
from attnbench.profiling.memory.allocations import measure_memory
from attnbench.records import COST_RECORDS, CostRecord, Environment, Status
from attnbench.spec import AnyWorkload, Protocol

OnRecord = Callable[[CostRecord], None]
OnStep = Callable[[str], None]


@dataclass(kw_only=True)
class Cell:
    """A workload on its way to a record."""

    workload: AnyWorkload
    subject: Subject
    record: CostRecord
    running: Instance | None = None
    """None before it is built, and once it has failed."""
    measured: dict[str, Any] = field(default_factory=dict)
    """Fields of the record, as they become known."""

    def fail(self, status: Status, reason: str) -> None:
        """End the cell; its counts stay, the cost of work that was not done does not."""
        self.running = None
        self.measured |= {"status": status, "reason": reason, "latency": None, "memory": None}

    def finish(self) -> CostRecord:
        """The record of what became of the cell; module and input are let go."""
        self.running = None
        return replace(self.record, **self.measured)


def profile(
    workloads: Sequence[AnyWorkload],
    protocol: Protocol | None = None,
    device: torch.device | str = "cpu",
    *,
    on_record: OnRecord = lambda record: None,
    on_step: OnStep = lambda text: None,
) -> list[CostRecord]:
    """Measure one comparison: the workloads' latencies are sampled in turn.

    Args:
        workloads: the cells; to be compared, they should differ in the attention alone.
        protocol: how latency is measured.
        device: where.
        on_record: told each record when it is complete, for storing.
        on_step: told what is being done, for a progress display.

    Returns:
        One record per workload, in their order; a failure is a status with a reason.
    """
    protocol, device = protocol or Protocol(), torch.device(device)
    cells = [_open_cell(workload, protocol, device) for workload in workloads]
    for cell in cells:
        on_step(f"building {cell.subject.name}")
        _guard(cell, partial(_prepare, cell, device))
    _time(cells, protocol, device, on_step)
    records = []
    for cell in cells:
        if cell.running is not None:
            on_step(f"memory{' and energy' * protocol.energy} of {cell.subject.name}")
            _guard(cell, partial(_weigh, cell, cell.running, protocol, device))
        records.append(cell.finish())
        on_record(records[-1])
    return records


def environment_of(subject: Subject, device: torch.device) -> Environment:
    """The conditions of a cell, the code of its subject included."""
    return describe_environment(device, subject.code)


def now() -> str:
    """The time as records store it."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def open_record(workload: AnyWorkload, protocol: Protocol, device: torch.device) -> CostRecord:
    """The record of a cell before anything is measured: its key is final, its outcome is not."""
    return COST_RECORDS[workload.kind](
        workload=workload,
        protocol=protocol,
        environment=environment_of(subject_of(workload), device),
        created=now(),
    )


def _open_cell(workload: AnyWorkload, protocol: Protocol, device: torch.device) -> Cell:
    record = open_record(workload, protocol, device)
    return Cell(workload=workload, subject=subject_of(workload), record=record)


def _guard(cell: Cell, work: Callable[[], None]) -> None:
    """Run a part of a cell; what it raises becomes the cell's status, with its reason."""
    try:
        work()
    except Exception as error:  # noqa: BLE001 - a stranger's mechanism may raise anything
        cell.fail(*failure(error))


def failure(error: Exception) -> tuple[Status, str]:
    """Status and reason of an exception: out of memory is told from every other failure."""
    if isinstance(error, (CountError, DishonestError)):
        return "failed", str(error)
    if isinstance(error, UserError):
        return "unsupported", str(error)
    text = str(error).strip().splitlines()
    reason = f"{type(error).__name__}: {text[0] if text else 'no message'}"
    out_of_memory = isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        "DefaultCPUAllocator" in reason
    )
    return ("out_of_memory" if out_of_memory else "failed"), reason


def _prepare(cell: Cell, device: torch.device) -> None:
    """Count, build and call once, so that a cell that cannot run fails before any timing."""
    reason = cell.subject.unsupported(device)
    if reason:
        cell.fail("unsupported", reason)
        return
    _count(cell)
    running = start(cell.subject, cell.workload, device)
    cell.measured["first_call_s"] = _call_first(running.call, device)
    if may_use_sdpa(getattr(cell.workload, "impl", "")):
        cell.measured["backend"] = fused_backend(running.call)
    cell.running = running


def _count(cell: Cell) -> None:
    """Parameters, MACs and bytes moved, on the meta device."""
    subject, dtype = cell.subject, getattr(torch, cell.workload.dtype)
    with torch.device("meta"):
        module = subject.build().eval().to(dtype)
        inputs = (torch.empty(subject.input_shape, dtype=dtype),)
    cell.measured["params"] = sum(parameter.numel() for parameter in module.parameters())
    stated = subject.stated_macs(module) if subject.stated_macs else None
    notes: list[str] = []
    cell.measured["macs"] = count_macs(module, inputs, subject.arguments, stated, notes.append)
    cell.measured["notes"] = tuple(notes)
    traffic = count_traffic(module, inputs, subject.arguments)
    cell.measured["traffic_bytes"] = traffic.moved_bytes
    cell.measured["least_bytes"] = traffic.least_bytes
    cell.measured["operators"] = traffic.operators


def _call_first(call: Call, device: torch.device) -> float:
    """Seconds of the first call, which may compile, tune and allocate."""
    start = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def _time(cells: Sequence[Cell], protocol: Protocol, device: torch.device, on_step: OnStep) -> None:
    """Sample the latencies of all cells that live, in turn; one that fails leaves the others."""
    while running := {i: cell.running for i, cell in enumerate(cells) if cell.running}:
        try:
            latencies = measure_latencies(
                {index: one.call for index, one in running.items()},
                protocol,
                timer_for(device, protocol.cache),
                rounds_with=uuid.uuid4().hex[:12] if len(running) > 1 else "",
                prepare=partial(_freshen, running),
                on_round=partial(_tell_round, on_step, len(running)),
                watch=ClockWatch(device),
            )
        except CallFailedError as failed:
            cells[failed.name].fail(*failure(failed.error))
            continue
        for index, latency in latencies.items():
            cells[index].measured["latency"] = latency
        return


def _freshen(running: Mapping[int, Instance], index: int) -> None:
    running[index].freshen()


def _tell_round(on_step: OnStep, cells: int, rounds: int) -> None:
    stage = f"latency, round {rounds + 1}" if rounds else "warming up"
    on_step(f"{stage} of {cells} cell{'s' if cells > 1 else ''}")


def _weigh(cell: Cell, running: Instance, protocol: Protocol, device: torch.device) -> None:
    """Memory and energy, and whether the work that was timed was done."""
    cell.measured["memory"] = measure_memory(running.call, device)
    if protocol.energy:
        cell.measured["energy"] = measure_energy(running.call, device)
    running.check()

"""The cost of a trained model, measured on the very module that was trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from torch import nn

from attnbench.benchmark.instance import call_on_cpu
from attnbench.benchmark.runner import profile
from attnbench.executors.host_lock import alone_on_host
from attnbench.isolation.failure import WorkLostError
from attnbench.profiling.counting.macs import count_macs
from attnbench.profiling.memory.resident import measure_resident
from attnbench.records import ModelRecord
from attnbench.registry import loaded_plugins
from attnbench.spec import ModelWorkload, Protocol
from attnbench.training.blocks import recomputed_blocks

COST_PROTOCOL = Protocol(time_budget_s=5.0)
"""How the latency of a trained model is measured, at batch 1."""


def trained_cost(model: nn.Module, workload: ModelWorkload, device: torch.device) -> ModelRecord:
    """Measure a trained model in evaluation mode. Its training mode is restored afterwards.

    Args:
        model: built by the names in `workload`, then trained; on `device`.
        workload: the model at batch 1.
        device: where to measure. On a CPU resident memory is measured too, in a new process that
            builds the model by name, since a process cannot tell apart what it has used before.
    """
    modes = {module: module.training for module in model.modules()}
    try:
        with alone_on_host():  # several runs may end at the same time
            (cost,) = profile([workload], COST_PROTOCOL, device, built=[model])
    finally:
        for module, training in modes.items():
            module.training = training
    assert isinstance(cost, ModelRecord)
    return _with_resident_memory(cost) if device.type == "cpu" else cost


def with_recomputing(cost: ModelRecord, build: Callable[[], nn.Module]) -> ModelRecord:
    """The cost with what a training that recomputes blocks computes again, beside its other MACs.

    Args:
        cost: of the model as it is.
        build: makes the model.
    """
    if cost.macs is None:
        return cost
    with torch.device("meta"):
        model = build().eval()
        images = torch.empty(1, 3, *cost.workload.img_size)
    notes = list(cost.notes)
    with recomputed_blocks(model, True):
        again = count_macs(model, [images], on_note=notes.append).recomputed_macs
    macs = replace(cost.macs, recomputed_macs=again)
    return replace(cost, macs=macs, notes=tuple(dict.fromkeys(notes)))


def _with_resident_memory(record: ModelRecord) -> ModelRecord:
    """Add the high-water mark of a new process, or a note that says why there is none."""
    if record.memory is None:
        return record
    try:
        found = measure_resident(
            partial(call_on_cpu, record.workload),
            plugins=loaded_plugins(),
            threads=torch.get_num_threads(),
        )
    except WorkLostError as lost:
        return replace(record, notes=(*record.notes, f"no resident memory: {lost.reason}"))
    notes = (f"no resident memory: {found.reason}",) if found.reason else ()
    memory = replace(
        record.memory, resident_net_bytes=found.net_bytes, resident_total_bytes=found.total_bytes
    )
    return replace(record, memory=memory, notes=(*record.notes, *notes))

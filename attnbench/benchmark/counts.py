"""What is counted of a cell before it is measured: parameters, multiply-accumulates, bytes moved."""

from __future__ import annotations

from typing import Any

import torch

from attnbench.benchmark.subject import Subject
from attnbench.profiling.counting.macs import count_macs
from attnbench.profiling.counting.traffic import count_traffic
from attnbench.spec import AnyWorkload


def counts_of(subject: Subject, workload: AnyWorkload) -> dict[str, Any]:
    """Fields of the record, counted on the meta device."""
    dtype = getattr(torch, workload.dtype)
    with torch.device("meta"):
        module = subject.build().eval().to(dtype)
        inputs = (torch.empty(subject.input_shape, dtype=dtype),)
    stated = subject.stated_macs(module) if subject.stated_macs else None
    notes: list[str] = []
    macs = count_macs(module, inputs, subject.arguments, stated, notes.append)
    traffic = count_traffic(module, inputs, subject.arguments)
    return {
        "params": sum(parameter.numel() for parameter in module.parameters()),
        "macs": macs,
        "notes": tuple(notes),
        "traffic_bytes": traffic.moved_bytes,
        "least_bytes": traffic.least_bytes,
        "operators": traffic.operators,
    }

"""The multiply-accumulates of what was timed."""

from __future__ import annotations

from attnbench.records.record import CostRecord


def macs_of_mode(record: CostRecord) -> int | None:
    """MACs of the timed mode, including its backward pass; None if unknown."""
    if record.macs is None:
        return None
    forward, training = record.macs.performed_macs, record.macs.training_macs
    if record.workload.mode == "forward":
        return forward
    if training is None:
        return None
    return training - forward if record.workload.mode == "backward" else training

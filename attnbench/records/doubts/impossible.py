"""A doubt about a latency that no machine reaches: the work cannot have been done.

Where the limits of the machine were measured, they tell more: see `analysis.limits.impossible`.
"""

from __future__ import annotations

from attnbench.records.doubts.doubt import Doubt
from attnbench.records.mode_macs import macs_of_mode
from attnbench.records.record import CostRecord

CPU_THREAD_MACS_PER_S = {"float32": 0.3e12, "bfloat16": 4e12, "float16": 4e12}
"""Multiply-accumulates a second of one thread that no core reaches: two units of 16 float32 each at
6 GHz make 0.19e12; a matrix unit (Intel AMX) makes 512 products of half precision a cycle, 3e12."""
GPU_MACS_PER_S = 3e15
"""That no GPU reaches: dense products of half precision make 1.1e15 on an NVIDIA B200."""


def faster_than_any_machine(record: CostRecord) -> Doubt | None:
    """The latency is below what any machine of its kind needs for the counted work."""
    environment = record.environment
    rate = GPU_MACS_PER_S
    if environment.device == "cpu":
        rate = CPU_THREAD_MACS_PER_S[record.workload.dtype] * max(environment.threads, 1)
    return impossible(record, rate, "any machine of this kind")


def impossible(record: CostRecord, macs_per_s: float, machine: str) -> Doubt | None:
    """The doubt, if the counted work takes longer than the latency at this rate."""
    macs, latency = macs_of_mode(record), record.latency
    # The quickest sample is found sooner than the median, and mostly is enough.
    if not macs or latency is None or macs / macs_per_s <= min(latency.samples_s):
        return None
    if macs / macs_per_s <= latency.median_s:
        return None
    took = macs / latency.median_s
    return Doubt(
        name="faster than the machine",
        grade="C",
        text=f"its {macs:.3g} multiply-accumulates in this time make {took:.3g} a second, "
        f"{machine} does at most {macs_per_s:.3g}",
        advice="look for work that was counted and not done, or done after the clock had stopped",
    )

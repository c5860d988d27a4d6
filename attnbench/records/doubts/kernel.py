"""A doubt about the code that ran: another kernel than the one asked for."""

from __future__ import annotations

from attnbench.impls import ANY_KERNEL, expected_kernel
from attnbench.records.doubts.doubt import Doubt
from attnbench.records.record import CostRecord


def other_kernel(record: CostRecord) -> Doubt | None:
    """`sdpa` asks for any fused kernel of torch; `sdpa-flash` and others ask for a certain one."""
    wanted, took = expected_kernel(record.workload.impl), record.backend.removesuffix(" (cpu)")
    fits = took != "math" if wanted == ANY_KERNEL else took == wanted
    if not wanted or not took or fits:
        return None
    unfused = "its unfused path (math)" if took == "math" else record.backend
    asked = "fused" if wanted == ANY_KERNEL else wanted
    return Doubt(
        name="other kernel",
        grade="C",
        text=f"torch used {unfused} instead of its {asked} attention",
        advice="use a dtype, head width and mask that the kernel supports",
    )

"""Doubts about the machine: other programs, clocks, heat."""

from __future__ import annotations

from attnbench.records.doubts.doubt import Doubt, graded
from attnbench.records.latency import Latency

CONTENTION_CORES = (0.1, 0.5)
CLOCK_CHANGE = (0.05, 0.15)
"""Thresholds of B and C for each doubt. They were chosen on shared two-core machines: idle ones
stay below the first threshold, ones with a second busy program exceed the second."""
MOSTLY_QUIET = 0.5
"""Where fewer samples are undisturbed, those that are left may be so by luck."""


def contention_doubt(latency: Latency) -> Doubt | None:
    """Other programs, or the hypervisor, used the processor while samples were taken.

    Where it is known which samples they disturbed, and enough are left, a busy neighbour is no
    reason to drop the number, unless it leaves no room on the machine.
    """
    contention = latency.contention
    if contention is None:
        return None
    cores = contention.not_ours
    grade = graded(cores, CONTENTION_CORES)
    if grade == "A":
        return None
    if latency.is_observed and not latency.is_disturbed:
        grade = "C" if contention.leaves_no_room else "B"
    return Doubt(
        name="contention",
        grade=grade,
        text=f"other programs used {cores:.1f} cores of this machine during sampling",
        advice="stop them, or measure again when they are done",
    )


def disturbed(latency: Latency) -> Doubt | None:
    """Too few samples were left alone by other programs, or fewer than half."""
    if not latency.is_observed:
        return None
    quiet, count = len(latency.undisturbed), len(latency.samples_s)
    if quiet >= MOSTLY_QUIET * count:
        return None
    contention = latency.contention
    by_others = contention is None or contention.not_ours > CONTENTION_CORES[0]
    if by_others:
        text = f"only {quiet} of {count} samples were undisturbed by other programs"
        advice = "stop them, use fewer --threads, or measure again when they are done"
    else:
        text = f"in only {quiet} of {count} samples did each thread have a core of its own"
        advice = "use --threads auto, or --pin"
    return Doubt(
        name="disturbed", grade="C" if latency.is_disturbed else "B", text=text, advice=advice
    )


def clocks_doubt(latency: Latency) -> Doubt | None:
    """The GPU's clock dropped while samples were taken."""
    clocks = latency.clocks
    if clocks is None:
        return None
    highest = max(clocks.first_mhz, clocks.last_mhz)
    grade = graded(1 - clocks.lowest_mhz / highest, CLOCK_CHANGE)
    if grade == "A":
        return None
    return Doubt(
        name="clocks",
        grade=grade,
        text=f"the GPU's clock dropped from {highest} to {clocks.lowest_mhz} MHz during sampling",
        advice="lock the clocks if you may, or measure again when the GPU is warm",
    )


def throttled(latency: Latency) -> Doubt | None:
    """The GPU's driver lowered its clock because of heat or power."""
    clocks = latency.clocks
    if clocks is None or not clocks.throttled_by:
        return None
    return Doubt(
        name="throttled",
        grade="C",
        text=f"the GPU was throttled: {', '.join(clocks.throttled_by)}",
        advice="let it cool, raise its power limit if you may, and measure again",
    )

"""Who else used the processor while something was measured.

A tight interval is no proof: a program that competes all the time slows every sample alike. The
system counts the time of all processes together. What this process did not use was used by
others; what the hypervisor took is counted as stolen, where the system reports it (Linux).
"""

from __future__ import annotations

from dataclasses import dataclass

import psutil

from attnbench import clocks
from attnbench.records.disturbance import Contention

BUSY = ("user", "nice", "system", "irq", "softirq")
"""Fields of `psutil.cpu_times` in which a core is at work. Linux counts guests in `user`; Windows
counts interrupts in `system`, and has no other of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Clocks at one moment, in seconds since some fixed time."""

    wall_s: float
    own_s: float
    busy_s: float
    """Time of all processes on all cores, this one's included."""
    stolen_s: float


def usage_now() -> Usage | None:
    """The clocks, or None where the system does not report them."""
    try:
        times = psutil.cpu_times()
    except (OSError, psutil.Error):
        return None
    return Usage(
        wall_s=clocks.monotonic(),
        own_s=clocks.process_time(),
        busy_s=sum(getattr(times, name, 0.0) for name in BUSY),
        stolen_s=getattr(times, "steal", 0.0),
    )


def contention_between(before: Usage | None, after: Usage | None) -> Contention | None:
    """Cores used by this process, by others and by the hypervisor between two moments.

    The system's clocks tick at 10 ms, so a span under a tenth of a second says nothing: None.
    """
    if before is None or after is None or after.wall_s - before.wall_s < 0.1:
        return None
    wall = after.wall_s - before.wall_s
    own = after.own_s - before.own_s
    others = max(0.0, after.busy_s - before.busy_s - own)
    return Contention(
        own_cores=own / wall,
        other_cores=others / wall,
        stolen_cores=max(0.0, after.stolen_s - before.stolen_s) / wall,
        machine_cores=psutil.cpu_count(),
    )

"""Who else used the processor while something was measured.

A tight interval is no proof: a program that competes all the time slows every sample alike. The
kernel counts the time of all processes together (/proc/stat, Linux); what this process did not
use itself was used by others, and what the hypervisor took is counted as stolen.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from attnbench.records.latency import Contention

PROC_STAT = Path("/proc/stat")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Clocks at one moment, in seconds since some fixed time."""

    wall_s: float
    own_s: float
    busy_s: float
    """Time of all processes on all cores, this one's included."""
    stolen_s: float


def usage_now() -> Usage | None:
    """The clocks, or None where the kernel does not tell them."""
    try:
        fields = PROC_STAT.read_text().partition("\n")[0].split()[1:]
    except OSError:
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    user, nice, system, _idle, _iowait, irq, softirq, steal = (int(f) / ticks for f in fields[:8])
    return Usage(
        wall_s=time.monotonic(),
        own_s=time.process_time(),
        busy_s=user + nice + system + irq + softirq,
        stolen_s=steal,
    )


def contention_between(before: Usage | None, after: Usage | None) -> Contention | None:
    """Cores used by this process, by others and by the hypervisor between two moments.

    The kernel's clocks tick at 10 ms, so a span under a tenth of a second tells nothing: None.
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
    )

"""The clocks of all measuring code, taken before any plug-in loads.

A plug-in may replace `time.perf_counter` for its own ends, as helpers of tests that freeze time do.
Measuring code reads the clocks through this module, which keeps the system's own.
"""

from __future__ import annotations

import os
import time
from time import monotonic, perf_counter, process_time, sleep, thread_time

__all__ = ["ClockCheck", "monotonic", "perf_counter", "process_time", "sleep", "thread_time"]

TOLERANCE = 0.05
"""Share by which two clocks may differ; the system's corrections of its clock stay far below."""
TICKS_S = 0.05
"""Seconds by which they may differ besides: the coarsest clock counts hundredths of a second."""

_gettime = getattr(time, "clock_gettime", None)
_raw = getattr(time, "CLOCK_MONOTONIC_RAW", None)


class ClockCheck:
    """Compares the clock of the measurements with others that the system keeps apart from it."""

    def __init__(self) -> None:
        self._start = _readings()

    def disagreement(self) -> str:
        """What the clocks say has passed since the start, if they differ; else ""."""
        now = _readings()
        passed = {name: now[name] - start for name, start in self._start.items() if name in now}
        shortest, longest = min(passed.values()), max(passed.values())
        if longest - shortest <= TOLERANCE * longest + TICKS_S:
            return ""
        found = ", ".join(f"{seconds:.2f} s by {name}" for name, seconds in passed.items())
        return f"clocks disagree: {found}"


def _readings() -> dict[str, float]:
    """Seconds on each clock; those that a system lacks are left out."""
    found = {"perf_counter": perf_counter()}
    if _gettime and _raw is not None:
        found["CLOCK_MONOTONIC_RAW"] = _gettime(_raw)
    if ticks := os.times().elapsed:
        found["the system's ticks"] = ticks
    return found

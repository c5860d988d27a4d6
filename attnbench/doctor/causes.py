"""Why a machine measures badly, in one line, and what to do: threads, load or clocks."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from attnbench.cores import available_cores
from attnbench.records import Environment
from attnbench.records.disturbance import SLOW_CANARY
from attnbench.records.doubts.machine import CONTENTION_CORES, clocks_doubt, throttled
from attnbench.records.latency import Latency


def cause_of(
    latencies: Sequence[Latency], environment: Environment, cores: int | None = None
) -> str:
    """What disturbed these latencies most, with advice; "" if nothing is known to.

    Args:
        latencies: of the same call, at different times.
        environment: where.
        cores: those of the machine that this process may use; asked for unless given.
    """
    others = _typical([one.contention.not_ours for one in latencies if one.contention])
    if others > CONTENTION_CORES[0]:
        return _of_load(others, environment, cores or available_cores())
    for latency in latencies:
        if doubt := throttled(latency) or clocks_doubt(latency):
            return f"clocks: {doubt.text}; {doubt.advice}"
    slowed = _typical([_slowest_part(one.canary_s) for one in latencies if one.canary_s])
    if slowed > SLOW_CANARY:
        return (
            f"clocks: the same small work took {slowed:.1f} times as long at times; plug the "
            "machine in, let it cool, fix the clock if you may"
        )
    return ""


def _of_load(others: float, environment: Environment, cores: int) -> str:
    used = f"other programs use {others:.1f} of {cores} cores"
    free = max(1, int(cores - others + 0.25))
    if environment.device == "cpu" and environment.threads > free:
        return (
            f"threads: {used}, and {environment.threads} threads wait for each other; use "
            f"--threads {free}, or stop the other programs"
        )
    return f"load: {used}; stop them, or measure when they are done"


def _slowest_part(canary_s: Sequence[float]) -> float:
    """The canary's slower quarter in units of its quicker tenth."""
    ordered = sorted(canary_s)
    return ordered[3 * len(ordered) // 4] / ordered[len(ordered) // 10]


def _typical(values: Sequence[float]) -> float:
    return median(values) if values else 0.0

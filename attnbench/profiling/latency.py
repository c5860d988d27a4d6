"""Latency of several calls, sampled in turn until the medians are known.

The candidates of one comparison are measured in rounds, one sample of each a round, in alternating
order: a machine that grows slower then slows all of them alike, and ratios of the same round are
hardly touched. Nothing is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Literal, TypeVar

from attnbench.profiling.contention import contention_between, usage_now
from attnbench.profiling.timer import Call, Timer
from attnbench.spec import Protocol
from attnbench.timing import Latency, median_interval

Name = TypeVar("Name", bound=Hashable)

RECHECK_EVERY = 1.1
"""The stop rule sorts all samples, so it is asked each time their number has grown by a tenth."""


def measure_latencies(
    calls: Mapping[Name, Call],
    protocol: Protocol,
    timer: Timer,
    *,
    rounds_with: str,
    on_round: Callable[[int], None] = lambda done: None,
) -> dict[Name, Latency]:
    """Seconds per call for each named call.

    Args:
        calls: what to time, by name.
        protocol: warm-up, precision and budget.
        timer: the clock.
        rounds_with: token that marks these latencies as measured in turn.
        on_round: told the number of finished rounds, for a progress display.
    """
    for call in calls.values():
        _warm_up(call, protocol, timer)
    samples: dict[Name, list[float]] = {name: [] for name in calls}
    before = usage_now()
    start, rounds, next_check = timer.now(), 0, protocol.min_samples
    stopped_by: Literal["precision", "time_budget"] | None = None
    while stopped_by is None:
        names = list(calls)
        for name in names if rounds % 2 == 0 else reversed(names):
            samples[name].append(timer.time_call(calls[name]))
        rounds += 1
        on_round(rounds)
        if rounds >= next_check:
            next_check = int(rounds * RECHECK_EVERY) + 1
            if all(_is_precise(taken, protocol.precision) for taken in samples.values()):
                stopped_by = "precision"
        if stopped_by is None and timer.now() - start >= protocol.time_budget_s:
            stopped_by = "time_budget"
    contention = contention_between(before, usage_now())
    return {
        name: Latency(
            samples_s=tuple(taken),
            stopped_by=stopped_by,
            rounds_with=rounds_with,
            contention=contention,
        )
        for name, taken in samples.items()
    }


def _warm_up(call: Call, protocol: Protocol, timer: Timer) -> None:
    """At least two calls: the first may compile, allocate or page in."""
    start = timer.now()
    calls = 0
    while calls < 2 or timer.now() - start < protocol.warmup_s:
        timer.time_call(call)
        calls += 1


def _is_precise(samples: list[float], precision: float) -> bool:
    interval = median_interval(samples)
    if interval is None:
        return False
    low, high = interval
    return high - low <= precision * sorted(samples)[len(samples) // 2]

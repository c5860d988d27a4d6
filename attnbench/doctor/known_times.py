"""The harness's clock tried on known times: busy waits on the CPU, chains of layers on a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import torch

from attnbench.clocks import perf_counter
from attnbench.doctor.findings import passed_or_failed
from attnbench.doctor.timed_operator import TimedOperator
from attnbench.profiling.latency.sampling import measure_latencies
from attnbench.profiling.latency.timer import Call
from attnbench.records import Finding
from attnbench.records.latency import Latency
from attnbench.spec import Protocol
from attnbench.units import format_percent, format_seconds

AGREEMENT = 0.01
"""Known times must be measured to within this share."""
WAITS_S = (5e-3, 50e-3)
CHAIN = 200
"""Layers in the shorter of two chains: 20 milliseconds and more, so that costs paid once (an event,
the first launch) do not show."""
KNOWN_TIME = Protocol(warmup_s=0.05, min_samples=11, precision=0.005, time_budget_s=1.0)


def spin(seconds: float) -> None:
    """Keep the processor busy for this long; unlike sleep, it returns on time."""
    end = perf_counter() + seconds
    while perf_counter() < end:
        pass


def check_clock(operator: TimedOperator) -> Finding:
    """Whether the clock of the device measures known times correctly."""
    return _check_chains(operator) if operator.device.type == "cuda" else _check_waits(operator)


class _Wait:
    """A call that takes a known time, and notes how long it really took.

    Another program may take the processor away from it; the note then says so.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.taken_s: list[float] = []

    def __call__(self) -> None:
        start = perf_counter()
        spin(self.seconds)
        self.taken_s.append(perf_counter() - start)

    def taken_in(self, latency: Latency) -> list[float]:
        """The note nearest to each sample that the latency uses: not every call was a sample."""
        return [
            min(self.taken_s, key=lambda taken_s: abs(taken_s - sample_s))
            for sample_s in latency.used_s
        ]


def _check_waits(operator: TimedOperator) -> Finding:
    """CPU: calls that return after a known time."""
    waits = {seconds: _Wait(seconds) for seconds in WAITS_S}
    latencies = measure_latencies(waits, KNOWN_TIME, operator.timer, rounds_with="waits")
    came = [latency.median_s for latency in latencies.values()]
    known = [median(waits[seconds].taken_in(latency)) for seconds, latency in latencies.items()]
    error = max(abs(c / k - 1) for c, k in zip(came, known, strict=True))
    return passed_or_failed(
        "known time",
        error <= AGREEMENT,
        f"busy waits of {_times(known)} were measured as {_times(came)}, off by "
        f"{format_percent(error)} (at most {format_percent(AGREEMENT)})",
    )


def _times(values: Sequence[float]) -> str:
    return " and ".join(map(format_seconds, values))


def _check_chains(operator: TimedOperator) -> Finding:
    """GPU: no kernel takes a known time, but twice the work takes twice as long.

    The host's clock is compared too, as a wrong unit would not show in the ratio.
    """
    calls = {times: operator.repeated(times) for times in (CHAIN, 2 * CHAIN)}
    latencies = measure_latencies(calls, KNOWN_TIME, operator.timer, rounds_with="chains")
    short_s, long_s = (latency.median_s for latency in latencies.values())
    host_s = _host_s(calls[2 * CHAIN], operator.device)
    off_double, off_host = abs(long_s / short_s / 2 - 1), abs(host_s / long_s - 1)
    return passed_or_failed(
        "known time",
        max(off_double, off_host) <= AGREEMENT,
        f"twice {format_seconds(short_s)} of work took {format_seconds(long_s)}, off by "
        f"{format_percent(off_double)}; by the host's clock {format_seconds(host_s)}, off by "
        f"{format_percent(off_host)} (at most {format_percent(AGREEMENT)})",
    )


def _host_s(call: Call, device: torch.device) -> float:
    """Least seconds until the device has finished the call, by the host's clock."""
    taken = []
    for _ in range(KNOWN_TIME.min_samples):
        torch.cuda.synchronize(device)
        start = perf_counter()
        call()
        torch.cuda.synchronize(device)
        taken.append(perf_counter() - start)
    return min(taken)

"""Joules per call: the call is repeated for windows of seconds, and a meter is read at their ends.

Meters are refreshed too seldom for a single call (on a GPU every 20 to 100 ms); over two seconds
that is an error of 5 % at most. The first window begins after half a second of work, each further
one where the last ended, so no idle time is metered.

The figure is for a device that works without pause, with warm caches. It includes the energy of
idle parts and of other programs. It is not a latency times a power.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from attnbench import clocks
from attnbench.profiling.energy.meters import Meter, MeterError, meter_for
from attnbench.profiling.latency.timer import Call
from attnbench.records import Energy

LEAD_IN_S = 0.5
BURST_S = 0.05
"""Seconds of calls between two waits for the GPU. Waiting after every call would leave it idle in
between; without waiting, calls would queue far beyond the end of the window."""


def measure_energy(
    call: Call,
    device: torch.device,
    *,
    window_s: float = 2.0,
    windows: int = 3,
    meter: Meter | None = None,
    now: Callable[[], float] = clocks.perf_counter,
    on_window: Callable[[int], None] = lambda done: None,
) -> Energy:
    """Joules per call, averaged over each of some windows; takes about 7 seconds.

    Args:
        call: what to meter; call it once before, so that set-up is not counted. Its exceptions
            pass through.
        device: where it runs, which decides on the meter.
        window_s: least length of a window in seconds.
        windows: how many; their spread shows how reliable the median is.
        meter: instead of the device's own.
        now: clock in seconds.
        on_window: called with the number of finished windows, for a progress display.

    Returns:
        Status `unsupported` with the reason if no meter can be read.
    """
    repeat = partial(_repeat, call, device, now)
    try:
        meter = meter or meter_for(device)
        burst = _lead_in(repeat, now)
        windows_j = []
        before = meter.read()
        for done in range(1, windows + 1):
            calls = repeat(window_s, burst)
            after = meter.read()
            windows_j.append(_positive(meter.joules(before, after)) / calls)
            before = after
            on_window(done)
    except MeterError as error:
        return Energy(status="unsupported", reason=str(error))
    return Energy(
        status="ok", meter=meter.name, windows_j=tuple(windows_j), window_s=float(window_s)
    )


def _lead_in(repeat: Callable[[float, int], int], now: Callable[[], float]) -> int:
    """Set the device to work; returns the number of calls in a burst."""
    start = now()
    calls = repeat(LEAD_IN_S, 1)
    return max(1, int(calls * BURST_S / (now() - start)))


def _repeat(
    call: Call, device: torch.device, now: Callable[[], float], span_s: float, burst: int
) -> int:
    """Call until the span is over; returns the number of calls, all of which are done."""
    start, calls = now(), 0
    while now() - start < span_s:
        for _ in range(burst):
            call()
        calls += burst
        if device.type == "cuda":
            torch.cuda.synchronize(device)
    return calls


def _positive(joules: float) -> float:
    """Refuse a counter that stands still, as on some virtual machines, or that was reset."""
    if joules <= 0:
        raise MeterError(f"the energy counter moved by {joules:g} J in a window of calls")
    return joules

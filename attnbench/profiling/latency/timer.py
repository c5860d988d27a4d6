"""Clocks that time one call. A timer is an argument, so tests can script one."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import torch

from attnbench import clocks
from attnbench.records.latency import CacheState

Call = Callable[[], object]

CPU_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
UNKNOWN_CACHE_BYTES = 64 * 2**20
"""Assumed for the CPU's largest cache if the kernel does not report its size."""


class Sample(NamedTuple):
    """One timed call."""

    work_s: float
    """Seconds of the work: on the GPU if there is one."""
    host_s: float | None = None
    """Seconds until the call returned on the host; None if that is the same."""


class Timer(Protocol):
    """Measures one call, and tells the time for warm-up and budgets."""

    cache: CacheState
    """State of the caches when a call begins."""

    def prepare(self) -> None:
        """Bring caches and device into the state in which a call is timed."""
        ...

    def time_call(self, call: Call) -> Sample:
        """How long the call took."""
        ...

    def now(self) -> float:
        """Seconds on a clock that only goes forward."""
        ...

    def rest(self, seconds: float, call: Call) -> None:
        """Let time pass between two blocks of samples; a device may have to be kept awake."""
        ...


class WallTimer:
    """The host's clock; right on the CPU, where a call returns when its work is done."""

    def __init__(self, cache: Literal["cold", "warm"] = "warm") -> None:
        self.cache: CacheState = cache
        cold = cache == "cold"
        self._buffer = torch.empty(2 * cpu_cache_bytes(), dtype=torch.int8) if cold else None

    def prepare(self) -> None:
        """Flush the caches, for a cold call."""
        if self._buffer is not None:
            self._buffer.zero_()

    def time_call(self, call: Call) -> Sample:
        """Seconds between start and return."""
        start = clocks.perf_counter()
        call()
        return Sample(clocks.perf_counter() - start)

    def now(self) -> float:
        """The monotonic clock."""
        return clocks.perf_counter()

    def rest(self, seconds: float, call: Call) -> None:
        """Sleep: a process that has slept is let onto a busy core sooner, and for longer."""
        time.sleep(seconds)


class CudaTimer:
    """CUDA events on the current stream, and the host's clock.

    For a cold cache, a buffer of twice the size of the L2 cache is written before each call,
    outside the timed span.
    """

    def __init__(self, device: torch.device, cache: Literal["cold", "warm"] = "cold") -> None:
        self.cache: CacheState = cache
        size = 2 * torch.cuda.get_device_properties(device).L2_cache_size if cache == "cold" else 0
        self._buffer = torch.empty(size, dtype=torch.int8, device=device)
        self._device = device

    def prepare(self) -> None:
        """Flush the caches, for a cold call, and wait until the device is idle."""
        self._buffer.zero_()
        torch.cuda.synchronize(self._device)

    def time_call(self, call: Call) -> Sample:
        """Seconds on the device, from the first kernel to the last, and on the host."""
        start = torch.cuda.Event(enable_timing=True)
        stop = torch.cuda.Event(enable_timing=True)
        begun = clocks.perf_counter()
        start.record()
        call()
        stop.record()
        returned = clocks.perf_counter()
        torch.cuda.synchronize(self._device)
        return Sample(start.elapsed_time(stop) / 1e3, returned - begun)

    def now(self) -> float:
        """The monotonic clock."""
        return clocks.perf_counter()

    def rest(self, seconds: float, call: Call) -> None:
        """Call on, untimed: an idle GPU lowers its clock."""
        end = clocks.perf_counter() + seconds
        while clocks.perf_counter() < end:
            call()
            torch.cuda.synchronize(self._device)


def timer_for(
    device: torch.device, cache: Literal["auto", "cold", "warm"] = "auto"
) -> WallTimer | CudaTimer:
    """The right clock for a device; `auto` is cold on a GPU and warm on the CPU."""
    if device.type == "cuda":
        return CudaTimer(device, "cold" if cache == "auto" else cache)
    return WallTimer("warm" if cache == "auto" else cache)


def cpu_cache_bytes() -> int:
    """Size of the processor's largest cache."""
    sizes = [_bytes_of(file.read_text()) for file in CPU_CACHES.glob("index*/size")]
    return max(sizes, default=UNKNOWN_CACHE_BYTES)


def _bytes_of(text: str) -> int:
    """The kernel writes sizes as 32K or 2M."""
    units = {"K": 2**10, "M": 2**20, "G": 2**30}
    number, unit = text.strip()[:-1], text.strip()[-1:]
    return int(number) * units[unit] if unit in units else int(text)

"""Clocks: how long one call takes. A timer is an argument, so that tests can script one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import torch

Call = Callable[[], object]


class Timer(Protocol):
    """Measures one call, and tells the time for warm-up and budgets."""

    def time_call(self, call: Call) -> float:
        """Seconds that the call took."""
        ...

    def now(self) -> float:
        """Seconds on a clock that only goes forward."""
        ...


class WallTimer:
    """The host's clock around a call; right on the CPU, where a call returns when it is done."""

    def time_call(self, call: Call) -> float:
        """Seconds between start and return."""
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    def now(self) -> float:
        """The monotonic clock."""
        return time.perf_counter()


class CudaTimer(WallTimer):
    """Events on the current stream around a call that starts with a cold L2 cache.

    The flush writes a buffer of twice the cache's size, outside the timed span.
    """

    def __init__(self, device: torch.device) -> None:
        cache_bytes = torch.cuda.get_device_properties(device).L2_cache_size
        self._buffer = torch.empty(2 * cache_bytes, dtype=torch.int8, device=device)
        self._device = device

    def time_call(self, call: Call) -> float:
        """Seconds on the device, from the first kernel to the last."""
        start = torch.cuda.Event(enable_timing=True)
        stop = torch.cuda.Event(enable_timing=True)
        self._buffer.zero_()
        torch.cuda.synchronize(self._device)
        start.record()
        call()
        stop.record()
        torch.cuda.synchronize(self._device)
        return start.elapsed_time(stop) / 1e3


def timer_for(device: torch.device) -> Timer:
    """The right clock for a device."""
    return CudaTimer(device) if device.type == "cuda" else WallTimer()

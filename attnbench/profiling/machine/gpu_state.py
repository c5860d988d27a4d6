"""The clock of a GPU while it is timed, and what slows it down.

A GPU lowers its clock by itself: to stay within its power limit, to cool, or because its supply
asks for it. A latency from such a time says more about the power limit or the cooling than about
the code.

Reasons that count are those by which the GPU protects itself. Idling, clocks that a user has set,
the boost group and the display do not count: they are choices, or the absence of work. Reasons that
drivers may add later are not judged.

The software power cap is a special case. Data-centre cards under full load run at their power
limit, at a constant clock: that is the speed of the card, not a disturbance. The cap is named only
if the clock was seen, while capped, more than 5 % (the first threshold of `trust`) below its
highest value. So a constant cap does not count, and one that begins during the measurement does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from attnbench import clocks
from attnbench.profiling.machine.nvml import Gpu, NvmlError
from attnbench.records.doubts.machine import CLOCK_CHANGE
from attnbench.records.latency import Clocks

LOOK_EVERY_S = 0.05
"""A look takes tens of microseconds, and sensors are not refreshed more often than this."""

POWER_CAP = 0x04
REASONS = {
    POWER_CAP: "software power cap",
    0x08: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake",
}
"""The bits of NVML's `nvmlClocksEventReasons` (API reference) that count."""


class ClockWatch:
    """Reads a GPU's clock between samples; never raises, and does nothing on the CPU."""

    def __init__(
        self,
        device: torch.device,
        *,
        nvml: Any = None,
        now: Callable[[], float] = clocks.monotonic,
    ) -> None:
        """Find the GPU; if that fails, `why_unavailable` has the reason."""
        self._now = now
        self._looks: list[tuple[int, int]] = []
        """(clock in MHz, reasons)."""
        self._next_look = 0.0
        self._failure: str | None = None
        self._gpu: Gpu | None = None
        try:
            self._gpu = Gpu(device, nvml) if device.type == "cuda" else None
        except NvmlError as error:
            self._failure = str(error)

    def start(self) -> None:
        """Begin, after the warm-up: the clock of an idle GPU says nothing."""
        self._looks.clear()
        self._look_now()

    def look(self) -> None:
        """Look if the last look is 50 ms old; call it between rounds, outside any timed span."""
        if self._gpu is not None and self._now() >= self._next_look:
            self._look_now()

    def finish(self) -> Clocks | None:
        """What was seen since `start`; None on the CPU, and if NVML cannot be read."""
        self._look_now()
        if self._gpu is None or not self._looks:
            return None
        clocks = [clock for clock, _ in self._looks]
        return Clocks(
            first_mhz=clocks[0],
            last_mhz=clocks[-1],
            lowest_mhz=min(clocks),
            throttled_by=_throttled_by(self._looks),
        )

    def why_unavailable(self) -> str | None:
        """Why the GPU is not watched; None if it is, and on the CPU."""
        return self._failure

    def _look_now(self) -> None:
        if self._gpu is None:
            return
        try:
            self._looks.append((self._gpu.sm_clock_mhz(), self._gpu.clock_reasons()))
        except NvmlError as error:  # an incomplete observation is dropped
            self._gpu, self._failure = None, str(error)
        self._next_look = self._now() + LOOK_EVERY_S


def _throttled_by(looks: list[tuple[int, int]]) -> tuple[str, ...]:
    """Names of the reasons that were seen and count, in the order of their bits."""
    fallen_below = (1 - CLOCK_CHANGE[0]) * max(clock for clock, _ in looks)
    seen = 0
    for clock, reasons in looks:
        seen |= reasons if clock < fallen_below else reasons & ~POWER_CAP
    return tuple(name for bit, name in REASONS.items() if seen & bit)

"""The largest square map whose layer fits into a given memory.

Everything that a call holds counts: the peak of its intermediates, the input, the parameters,
tables that the layer keeps, and in a training step gradients and the two moments of AdamW. The peak
is counted from shapes at each size that is tried (`count_memory`), so that no curve is
extrapolated. What the count leaves out, such as scratch of convolutions, is taken from a measured
peak of the same layer at a smaller size: where more was measured than counted, the count is scaled
by their ratio there. The range has both: the map that fits by the scaled count, and by the count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from math import isqrt

import torch

from attnbench.benchmark.subject import subject_of
from attnbench.bounds import TOKENS
from attnbench.profiling.counting.weights import in_dtype
from attnbench.profiling.latency.modes import call_of
from attnbench.profiling.memory.counted import CountedMemory, count_memory
from attnbench.spec import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Largest:
    """How many tokens fit."""

    low: int
    high: int
    """By the scaled count and by the count; 0 where not even one fits."""
    scale: float
    """Measured ÷ counted peak, at least 1."""

    @property
    def is_bounded(self) -> bool:
        """False where the largest map that can be asked for fits."""
        return self.high < TOKENS


def largest_map(workload: Workload, measured_net_bytes: int, budget_bytes: int) -> Largest:
    """The largest square map on which the layer's call holds at most `budget_bytes`.

    Args:
        workload: the layer, in its mode, at the size where it was measured.
        measured_net_bytes: net peak of its call there.
        budget_bytes: the memory.
    """

    @cache
    def at(side: int) -> CountedMemory:
        return counted_memory(replace(workload, grid=(side, side)))

    scale = max(1.0, measured_net_bytes / counted_memory(workload).peak_net_bytes)

    def fits(side: int, scale: float) -> bool:
        counted = at(side)
        rest = counted.held_bytes - counted.peak_net_bytes
        return rest + scale * counted.peak_net_bytes <= budget_bytes

    low = _last_side(lambda side: fits(side, scale))
    high = low if scale == 1.0 else _last_side(lambda side: fits(side, 1.0))
    return Largest(low=low**2, high=high**2, scale=scale)


def counted_memory(workload: Workload) -> CountedMemory:
    """Bytes of a layer's call, counted on the meta device."""
    subject, dtype = subject_of(workload), getattr(torch, workload.dtype)
    with torch.device("meta"):
        layer = in_dtype(subject.build(), dtype)
        x = torch.empty(subject.input_shape, dtype=dtype)
        return count_memory(call_of(workload.mode, layer, x, subject.arguments))


def _last_side(fits: Callable[[int], bool]) -> int:
    """The largest side that fits, if all smaller ones do too; 0 if none does."""
    fitting, beyond = 0, isqrt(TOKENS) + 1
    while beyond - fitting > 1:
        middle = (fitting + beyond) // 2
        fitting, beyond = (middle, beyond) if fits(middle) else (fitting, middle)
    return fitting

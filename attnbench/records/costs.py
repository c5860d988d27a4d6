"""What a cell costs besides time: memory, energy and multiply-accumulates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Literal

from attnbench.records.numbers import Bytes, Joules, MacCount, Seconds, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Peak of allocations during a call; net figures leave out what was there before."""

    peak_net_bytes: Bytes
    peak_total_bytes: Bytes | None
    """None on the CPU, where it is not known what was there before."""
    method: Literal["cuda allocator", "cpu profiler"]
    reserved_net_bytes: Bytes | None = None
    reserved_total_bytes: Bytes | None = None
    """What the allocator took from the device, including its reserve; None on the CPU."""
    resident_net_bytes: Bytes | None = None
    resident_total_bytes: Bytes | None = None
    """High-water mark of a fresh process that builds the model and calls it once, including scratch
    memory of libraries; net of what the process held before. None if it was not measured."""
    kept_bytes: Bytes | None = None
    """What the module keeps between calls besides its parameters: buffers, masks, tables, caches.
    None if it was not measured."""
    kept_more_bytes: Bytes | None = None
    """What each call leaves allocated for good, so that memory grows with the number of calls."""
    outside_bytes: Bytes | None = None
    """What a call takes past torch's allocator (NumPy, scratch of libraries), 0 if little. None
    where that is not seen: on a GPU, and where the system's mark cannot be set back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Joules per call, of all that the meter sees, including idle parts and other programs."""

    status: Literal["ok", "unsupported"]
    reason: Text = ""
    """Why there is no figure."""
    meter: Literal["", "nvml", "rapl"] = ""
    windows_j: tuple[Joules, ...] = ()
    """Joules per call, averaged over each window of calls."""
    window_s: Seconds = 0.0
    """Least length of a window: meters are refreshed too seldom for single calls."""

    @property
    def per_call_j(self) -> float | None:
        """Median over the windows."""
        return median(self.windows_j) if self.windows_j else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Macs:
    """Multiply-accumulates of one forward call, counted on the reference path.

    Matrix products and convolutions are the MACs that papers print. Operations of normalisation
    layers, which fvcore counts at about five an element, are listed separately.
    """

    products_macs: MacCount
    norms_ops: MacCount
    by_operator_macs: Mapping[str, MacCount]
    uncounted: tuple[Text, ...]
    """Operators without multiply-accumulates, which are not counted (softmax, add …)."""
    training_macs: MacCount | None = None
    """Forward and backward, gradients of inputs and of parameters that are not frozen, without what
    is recomputed; None if there is no backward, or if it depends on the data."""
    recomputed_macs: MacCount = 0
    """Forward work that a training step does again in its backward pass, beside `training_macs`."""
    average_macs: MacCount | None = None
    """Mean over inputs where the count depends on the data; None where it follows from shapes.
    `products_macs` is then the closed form as an upper bound, or this mean where there is none."""
    by_formula: tuple[Text, ...] = ()
    """Operators that were counted by a formula of the user's."""

    @property
    def performed_macs(self) -> int:
        """What a forward call really multiplies: the mean where it depends on the data."""
        return self.products_macs if self.average_macs is None else self.average_macs


def coverage(uncounted: Iterable[str]) -> str:
    """What the MACs cover, in one line: "all multiply-adds counted; not counted: add, softmax"."""
    names = ", ".join(sorted(set(uncounted)))
    return "all multiply-adds counted" + (f"; not counted: {names}" if names else "")

"""Seconds per call as they were measured: every sample kept, every statistic a property."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil, comb, isnan, sqrt
from statistics import median
from typing import Literal

Interval = tuple[float, float]
CacheState = Literal["", "cold", "warm"]

LAUNCH_BOUND = 0.9
"""Share of the device's time from which on the host's time to launch the work sets the pace."""


def median_interval(samples: Sequence[float]) -> Interval | None:
    """95 % order-statistic interval of the median: free of any assumption on the distribution.

    The widest rank k with P(Binomial(n, 1/2) < k) at most 2.5 % gives the k-th smallest and the
    k-th largest sample. None where there are too few samples (under 6).
    """
    k = _outer_rank(len(samples))
    if k == 0:
        return None
    ordered = sorted(samples)
    return ordered[k - 1], ordered[-k]


@cache
def _outer_rank(count: int) -> int:
    if count > 1000:  # the exact sum grows slow, and the normal approximation is within one rank
        return int(count / 2 - 1.96 * sqrt(count) / 2)
    below, k = 0, 0
    while (below + comb(count, k)) * 40 <= 2**count:
        below += comb(count, k)
        k += 1
    return k


def percentile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that is not exceeded by that share of them (nearest rank).

    A sample that occurred, and no value between two: of 30 samples p99 is the largest.
    """
    return sorted(samples)[max(0, ceil(share * len(samples)) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contention:
    """Processor cores in use while sampling, in cores: by us, by others, by the hypervisor."""

    own_cores: float
    other_cores: float
    stolen_cores: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """What a GPU told of itself while sampling: clocks in MHz, and why it held them down."""

    first_mhz: int
    last_mhz: int
    lowest_mhz: int
    throttled_by: tuple[str, ...] = ()
    """Reasons as the driver names them, idling and settings of the user not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Seconds per call, every sample kept in the order in which it was taken."""

    samples_s: tuple[float, ...]
    """Of the work itself: on the device where there is one."""
    stopped_by: Literal["precision", "time_budget"]
    rounds_with: str = ""
    """Cells with the same token here were measured in turn, one sample each a round."""
    contention: Contention | None = None
    """Over all rounds of the comparison; None where the kernel does not tell."""
    host_samples_s: tuple[float, ...] = ()
    """Until the call returned on the host, beside each sample; empty on the CPU, where it is one
    and the same."""
    cache: CacheState = ""
    """State of the caches before each sample; "" in records that did not know."""
    warmup_s: float | None = None
    """Seconds of warm-up that it took."""
    settled: bool | None = None
    """Whether the calls had become steady when sampling began."""
    clocks: Clocks | None = None
    """Of the GPU; None on the CPU, and where the driver does not tell."""

    def __post_init__(self) -> None:
        # A sum is NaN if any sample is; a minimum may pass one over.
        if not self.samples_s or isnan(sum(self.samples_s)) or min(self.samples_s) <= 0:
            raise ValueError("a latency needs at least one sample, all above zero")
        if self.host_samples_s and len(self.host_samples_s) != len(self.samples_s):
            raise ValueError("a latency needs a host sample beside each sample, or none")

    @property
    def median_s(self) -> float:
        """Median of the samples."""
        return median(self.samples_s)

    @property
    def interval_s(self) -> Interval | None:
        """95 % interval of the median; None with fewer than 6 samples."""
        return median_interval(self.samples_s)

    @property
    def host_s(self) -> float | None:
        """Median of the host's time to launch the work; None on the CPU."""
        return median(self.host_samples_s) if self.host_samples_s else None

    @property
    def is_launch_bound(self) -> bool:
        """Whether the device waited for the host: the work takes no longer than its launch."""
        return self.host_s is not None and self.host_s >= LAUNCH_BOUND * self.median_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """How many times faster than the baseline, with its 95 % interval."""

    value: float
    interval: Interval | None
    paired: bool


def speed_up(baseline: Latency, other: Latency) -> Ratio:
    """Baseline time ÷ other time.

    Cells that were measured in turn give the median of the ratios round by round, which drift of
    the machine hardly touches. Others give the ratio of the medians, with the worst-case interval.
    """
    if _are_paired(baseline, other):
        ratios = [b / o for b, o in zip(baseline.samples_s, other.samples_s, strict=True)]
        return Ratio(value=median(ratios), interval=median_interval(ratios), paired=True)
    return Ratio(
        value=baseline.median_s / other.median_s,
        interval=_ratio_interval(baseline.interval_s, other.interval_s),
        paired=False,
    )


def _are_paired(baseline: Latency, other: Latency) -> bool:
    """Whether both were sampled in the same rounds, and neither dropped out of them."""
    same_rounds = baseline.rounds_with != "" and baseline.rounds_with == other.rounds_with
    return same_rounds and len(baseline.samples_s) == len(other.samples_s)


def _ratio_interval(above: Interval | None, below: Interval | None) -> Interval | None:
    if above is None or below is None:
        return None
    return above[0] / below[1], above[1] / below[0]

"""Seconds per call: every sample is kept, every statistic is a property."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from statistics import median
from typing import Literal

from attnbench.records.median import Interval, median_interval

CacheState = Literal["", "cold", "warm"]

LAUNCH_BOUND = 0.9
"""A latency is launch-bound if the host needs at least this share of it to launch the work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contention:
    """Processor cores in use during sampling: by us, by others, by the hypervisor."""

    own_cores: float
    other_cores: float
    stolen_cores: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """The clock of a GPU during sampling, in MHz, and why the GPU slowed it down."""

    first_mhz: int
    last_mhz: int
    lowest_mhz: int
    throttled_by: tuple[str, ...] = ()
    """Reasons in the driver's words; idling and clocks set by the user do not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Seconds per call; the samples are in the order in which they were taken."""

    samples_s: tuple[float, ...]
    """Seconds of the work: on the GPU if there is one."""
    stopped_by: Literal["precision", "time_budget"]
    rounds_with: str = ""
    """Cells with the same token were measured in turn, one sample of each in a round."""
    contention: Contention | None = None
    """Over all rounds of the comparison; None if the system does not report it."""
    host_samples_s: tuple[float, ...] = ()
    """For each sample, seconds until the call returned on the host; empty on the CPU, where both
    are the same."""
    cache: CacheState = ""
    """State of the caches before each sample; "" in records that do not say."""
    warmup_s: float | None = None
    """Seconds of warm-up."""
    settled: bool | None = None
    """Whether the calls were steady when sampling began; None if that is not known."""
    clocks: Clocks | None = None
    """Of the GPU; None on the CPU, and if the driver does not report them."""

    def __post_init__(self) -> None:
        # The sum is NaN if any sample is; a minimum may miss it.
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
        """Whether the GPU waited for the host: the work takes hardly longer than its launch."""
        return self.host_s is not None and self.host_s >= LAUNCH_BOUND * self.median_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """How many times faster than the baseline, with its 95 % interval."""

    value: float
    interval: Interval | None
    paired: bool


def speed_up(baseline: Latency, other: Latency) -> Ratio:
    """Baseline time ÷ other time.

    For cells that were measured in turn it is the median of the ratios of each round, which drift
    of the machine hardly affects. For others it is the ratio of the medians, with the worst-case
    interval.
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
    """Whether both were sampled in the same rounds, to the end."""
    same_rounds = baseline.rounds_with != "" and baseline.rounds_with == other.rounds_with
    return same_rounds and len(baseline.samples_s) == len(other.samples_s)


def _ratio_interval(above: Interval | None, below: Interval | None) -> Interval | None:
    if above is None or below is None:
        return None
    return above[0] / below[1], above[1] / below[0]

"""Seconds per call: every sample is kept, every statistic is a property."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from statistics import median
from typing import Literal

from attnbench.records.median import LEVEL, Interval, median_interval

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
    span_s: float | None = None
    """Seconds from the first sample's start to the last one's end; None in records that do not
    say."""
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
        """95 % interval of the median; None if it cannot be given (see `median`)."""
        return median_interval(self.samples_s, self.known_span_s)

    @property
    def known_span_s(self) -> float:
        """Seconds that the samples span at least."""
        return sum(self.samples_s) if self.span_s is None else self.span_s

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


def speed_up(baseline: Latency, other: Latency, level: float = LEVEL) -> Ratio:
    """Baseline time ÷ other time.

    For cells that were measured in turn it is the median of the ratios of each round, which drift
    of the machine hardly affects. For others it is the ratio of the medians, with the worst-case
    interval.

    Args:
        baseline: what is compared with.
        other: what is compared.
        level: of the interval; above 0.95 where many of them must hold together.
    """
    if _are_paired(baseline, other):
        ratios = [b / o for b, o in zip(baseline.samples_s, other.samples_s, strict=True)]
        interval = median_interval(ratios, span_of_rounds(baseline, other), level)
        return Ratio(value=median(ratios), interval=interval, paired=True)
    above, below = (
        median_interval(side.samples_s, side.known_span_s, level) for side in (baseline, other)
    )
    return Ratio(
        value=baseline.median_s / other.median_s,
        interval=_ratio_interval(above, below),
        paired=False,
    )


def span_of_rounds(one: Latency, other: Latency) -> float:
    """Seconds that the rounds span at least in which both were sampled."""
    if one.span_s is not None:
        return one.span_s
    return one.known_span_s + other.known_span_s


def _are_paired(baseline: Latency, other: Latency) -> bool:
    """Whether both were sampled in the same rounds, to the end."""
    same_rounds = baseline.rounds_with != "" and baseline.rounds_with == other.rounds_with
    return same_rounds and len(baseline.samples_s) == len(other.samples_s)


def _ratio_interval(above: Interval | None, below: Interval | None) -> Interval | None:
    if above is None or below is None:
        return None
    return above[0] / below[1], above[1] / below[0]

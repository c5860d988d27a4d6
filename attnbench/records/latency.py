"""Seconds per call: every sample is kept, every statistic is a property.

Statistics use the samples that nobody disturbed (`records.disturbance`), if there are enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isnan
from statistics import median
from typing import Literal

from attnbench.records.disturbance import Contention, Observed, are_enough
from attnbench.records.median import Interval, median_interval
from attnbench.records.median_many import Series, median_intervals
from attnbench.records.numbers import Count, Duration, Seconds, Text

CacheState = Literal["", "cold", "warm"]

LAUNCH_BOUND = 0.9
"""A latency is launch-bound if the host needs at least this share of it to launch the work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """The clock of a GPU during sampling, in MHz, and why the GPU slowed it down."""

    first_mhz: Count
    last_mhz: Count
    lowest_mhz: Count
    throttled_by: tuple[Text, ...] = ()
    """Reasons in the driver's words; idling and clocks set by the user do not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Seconds per call; the samples are in the order in which they were taken."""

    samples_s: tuple[Duration, ...]
    """Seconds of the work: on the GPU if there is one."""
    stopped_by: Literal["precision", "time_budget"]
    rounds_with: Text = ""
    """Cells with the same token were measured in turn, one sample of each in a round."""
    contention: Contention | None = None
    """Over all rounds of the comparison; None if the system does not report it."""
    host_samples_s: tuple[Seconds, ...] = ()
    """For each sample, seconds until the call returned on the host; empty on the CPU, where both
    are the same."""
    cache: CacheState = ""
    """State of the caches before each sample; "" in records that do not say."""
    warmup_s: Seconds | None = None
    """Seconds of warm-up."""
    settled: bool | None = None
    """Whether the calls were steady when sampling began; None if that is not known."""
    span_s: Seconds | None = None
    """Seconds from the first sample's start to the last one's end; None in records that do not
    say."""
    clocks: Clocks | None = None
    """Of the GPU; None on the CPU, and if the driver does not report them."""
    cpu_samples_s: tuple[Seconds, ...] = ()
    """For each sample, processor seconds of this process, all threads together."""
    waits_s: tuple[Seconds, ...] = ()
    """For each sample, seconds that threads of this process were ready to run and waited for a
    core (Linux)."""
    switches: tuple[Count, ...] = ()
    """For each sample, how often this process lost a core against its will (not on Windows)."""
    canary_s: tuple[Seconds, ...] = ()
    """For each sample, seconds of the same small work, the slower of once before and once after."""
    left_objects: Count = 0
    """Objects that each call leaves to Python's garbage collector, on average."""
    pauses_s: tuple[Seconds, ...] = ()
    """For each sample, seconds in which Python's garbage collector ran; empty if it never did."""
    waited_s: Seconds | None = None
    """Seconds beyond the budget: too few samples were undisturbed, or they gave no interval."""

    def __post_init__(self) -> None:
        # The sum is NaN if any sample is; a minimum may miss it.
        count = len(self.samples_s)
        if not count or isnan(sum(self.samples_s)) or min(self.samples_s) <= 0:
            raise ValueError("a latency needs at least one sample, all above zero")
        lengths = {
            0, count, len(self.host_samples_s), len(self.cpu_samples_s), len(self.waits_s),
            len(self.switches), len(self.canary_s), len(self.pauses_s),
        }  # fmt: skip
        if len(lengths) > 2:
            raise ValueError("a latency needs a host sample beside each sample, or none")

    @property
    def is_observed(self) -> bool:
        """Whether it is known of each sample if others disturbed it.

        A GPU's time depends on the host only if its work is launched too slowly.
        """
        return bool(self.waits_s or self.cpu_samples_s or self.canary_s) and not (
            self.host_samples_s and not self.is_launch_bound
        )

    @property
    def undisturbed(self) -> tuple[int, ...]:
        """Indices of the samples that nobody disturbed; all of them where nothing is known."""
        if not self.is_observed:
            return tuple(range(len(self.samples_s)))
        return _undisturbed(
            self.samples_s, self.waits_s, self.cpu_samples_s, self.switches, self.canary_s,
            self.contention,
        )  # fmt: skip

    @property
    def is_disturbed(self) -> bool:
        """Whether too few samples are undisturbed to leave the others out."""
        return self.is_observed and not are_enough(len(self.undisturbed), len(self.samples_s))

    @property
    def used(self) -> tuple[int, ...]:
        """Indices of the samples that the statistics use: the undisturbed ones if enough."""
        return tuple(range(len(self.samples_s))) if self.is_disturbed else self.undisturbed

    @property
    def used_s(self) -> tuple[float, ...]:
        """The samples that the statistics use, in the order in which they were taken."""
        if not self.is_observed or self.is_disturbed:
            return self.samples_s
        return tuple(self.samples_s[index] for index in self.undisturbed)

    @property
    def median_s(self) -> float:
        """Median of the samples that are used."""
        return median(self.used_s)

    @property
    def interval_s(self) -> Interval | None:
        """95 % interval of the median of the samples that are used; None if it cannot be given."""
        return _interval(self.used_s, self.known_span_s)

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
        return self.host_s is not None and self.host_s >= LAUNCH_BOUND * median(self.samples_s)


@lru_cache(maxsize=4096)
def _undisturbed(
    samples_s: tuple[float, ...], waits_s: tuple[float, ...], cpu_samples_s: tuple[float, ...],
    switches: tuple[int, ...], canary_s: tuple[float, ...], contention: Contention | None,
) -> tuple[int, ...]:  # fmt: skip
    """Remembered, as every statistic of a latency asks for it."""
    return Observed(
        samples_s=samples_s, waits_s=waits_s, cpu_samples_s=cpu_samples_s, switches=switches,
        canary_s=canary_s, contention=contention,
    ).undisturbed()  # fmt: skip


_known: dict[Series, Interval | None] = {}
"""Intervals are remembered, as grades, tables and figures ask for them."""
MOST_KNOWN = 2**18
"""With more, all are forgotten: so many cells are asked for one after the other."""


def _interval(samples: tuple[float, ...], span_s: float) -> Interval | None:
    series = samples, span_s
    try:
        return _known[series]
    except KeyError:
        interval = median_interval(*series)
        _remember([series], [interval])
        return interval


def _remember(many: Sequence[Series], intervals: Sequence[Interval | None]) -> None:
    if len(_known) + len(many) > MOST_KNOWN:
        _known.clear()
    _known.update(zip(many, intervals, strict=True))


def work_out_intervals(latencies: Iterable[Latency]) -> None:
    """Work out `interval_s` of many latencies at once, in a fifth of the time."""
    many = [(one.used_s, one.known_span_s) for one in latencies]
    _remember(many, median_intervals(many))


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
    return speed_ups([(baseline, other)])[0]


def speed_ups(pairs: Sequence[tuple[Latency, Latency]]) -> list[Ratio]:
    """`speed_up` of each pair of a baseline and another; many at once are quicker."""
    rounds = {at: _ratios_of_rounds(*pair) for at, pair in enumerate(pairs) if _are_paired(*pair)}
    intervals = dict(zip(rounds, median_intervals(list(rounds.values())), strict=True))
    return [
        Ratio(value=median(rounds[at][0]), interval=intervals[at], paired=True)
        if at in rounds
        else _ratio_of_medians(*pair)
        for at, pair in enumerate(pairs)
    ]


def _ratios_of_rounds(baseline: Latency, other: Latency) -> Series:
    ratios = tuple([b / o for b, o in paired_samples(baseline, other)])
    return ratios, span_of_rounds(baseline, other)


def _ratio_of_medians(baseline: Latency, other: Latency) -> Ratio:
    return Ratio(
        value=baseline.median_s / other.median_s,
        interval=_ratio_interval(baseline.interval_s, other.interval_s),
        paired=False,
    )


def paired_samples(baseline: Latency, other: Latency) -> list[tuple[float, float]]:
    """The samples of rounds that nobody disturbed on either side; of all rounds if too few are."""
    if not (baseline.is_observed or other.is_observed):
        return list(zip(baseline.samples_s, other.samples_s, strict=True))
    rounds = sorted(set(baseline.undisturbed) & set(other.undisturbed))
    if not are_enough(len(rounds), len(baseline.samples_s)):
        rounds = list(range(len(baseline.samples_s)))
    return [(baseline.samples_s[index], other.samples_s[index]) for index in rounds]


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

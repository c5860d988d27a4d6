"""How often an interval holds what it promises: on simulated series, and on measured ones.

A 95 % interval that holds in fewer than 93 % of cases is too narrow. The median of a simulated
series is known. That of a measured one is not, but no two stretches of one series may contradict
each other: nothing was changed between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import exp, sqrt
from random import Random

from attnbench.records.latency import Latency
from attnbench.records.median import Interval, median_interval

AIM = 0.93
"""Least share of 95 % intervals that must hold what they promise."""
SPREAD = 0.1
"""Standard deviation of the logarithms of simulated samples."""
MOST_STRETCHES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Out of so many cases, in how many an interval was given, and in how many it held."""

    cases: int
    given: int
    held: int

    def __add__(self, other: Coverage) -> Coverage:
        return Coverage(
            cases=self.cases + other.cases,
            given=self.given + other.given,
            held=self.held + other.held,
        )

    @property
    def share(self) -> float:
        """Share of the given intervals that held; 1 where none was given: nothing was claimed."""
        return self.held / self.given if self.given else 1.0

    @property
    def wrong_share(self) -> float:
        """Share of all cases in which an interval was given and did not hold."""
        return (self.given - self.held) / self.cases if self.cases else 0.0


NOTHING = Coverage(cases=0, given=0, held=0)


def series(random: Random, correlation: float, count: int, shift: float = 0.0) -> list[float]:
    """A first-order autoregression of latencies with a median of 1.

    Args:
        random: the source of randomness.
        correlation: of each sample's logarithm with the next one's, below 1.
        count: how many samples.
        shift: standard deviation of the session's own speed, as a share.
    """
    fresh = sqrt(1 - correlation**2)
    session, state = random.gauss(0, shift), random.gauss(0, 1)
    found = []
    for _ in range(count):
        found.append(exp(session + SPREAD * state))
        state = correlation * state + fresh * random.gauss(0, 1)
    return found


def holding(intervals: Iterable[Interval | None], truth: float) -> Coverage:
    """How many of the intervals hold the truth."""
    found = list(intervals)
    given = [interval for interval in found if interval is not None]
    held = sum(low <= truth <= high for low, high in given)
    return Coverage(cases=len(found), given=len(given), held=held)


def overlapping(intervals: Iterable[Interval | None]) -> Coverage:
    """Of all pairs of intervals of one series, how many do not contradict each other."""
    found = list(intervals)
    pairs = list(combinations([one for one in found if one is not None], 2))
    held = sum(one[0] <= other[1] and other[0] <= one[1] for one, other in pairs)
    return Coverage(cases=len(list(combinations(found, 2))), given=len(pairs), held=held)


def stretches(
    values: Sequence[float], seconds: Sequence[float], count: int
) -> list[Interval | None]:
    """Intervals of up to six stretches of consecutive values; none if there are fewer than two.

    Args:
        values: latencies, or ratios of latencies, in time order.
        seconds: how long each took to sample.
        count: values in a stretch.
    """
    found = min(len(values) // count, MOST_STRETCHES) if count else 0
    if found < 2:
        return []
    starts = [i * (len(values) - count) // (found - 1) for i in range(found)]
    blocks = [slice(start, start + count) for start in starts]
    return [median_interval(values[block], sum(seconds[block])) for block in blocks]


def stretches_of(latency: Latency, count: int) -> list[Interval | None]:
    """The same of the samples that the statistics of a latency use."""
    pause_s = latency.known_span_s / len(latency.samples_s)
    return stretches(latency.used_s, [pause_s] * len(latency.used_s), count)


def ratios_in_turn(latencies: Iterable[Latency]) -> list[tuple[list[float], list[float]]]:
    """For neighbours sampled in the same rounds: their ratios, and the rounds' seconds."""
    rounds: dict[tuple[str, int], list[Latency]] = {}
    for latency in latencies:
        if latency.rounds_with:
            key = latency.rounds_with, len(latency.samples_s)
            rounds.setdefault(key, []).append(latency)
    found = []
    for together in rounds.values():
        for one, other in pairwise(together):
            pairs = list(zip(one.samples_s, other.samples_s, strict=True))
            found.append(([a / b for a, b in pairs], [a + b for a, b in pairs]))
    return found

"""A doubt about samples that have two peaks: the median stands for one of them at most.

Some calls skip work, wait for something, or meet another state of a cache now and then. Their
times gather around two values, and the median hides one.

The logarithms of the samples are cut in two where the squared distances to the two means are
least. Both parts must hold a tenth of the samples. Between the medians of the parts, the samples
must be few: a density with one peak is nowhere lower between two places than at the lower of
them, so the third in the middle must hold significantly fewer samples than the third of the same
width around either median. Neighbours in time are alike, so samples count for fewer than they are,
as is usual with an autocorrelation r of the first order: n (1 - r) / (1 + r), of which part a
sample is in. So a machine that is slow for a while makes a drift, and not two modes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import ceil, comb, exp, floor, log
from statistics import median

from attnbench.records.doubts.doubt import Doubt
from attnbench.records.latency import Latency
from attnbench.units import format_seconds

LEAST_SAMPLES = 30
"""Fewer samples show no two peaks."""
LEAST_SHARE = 0.1
"""Samples of the rarer mode; fewer are outliers, which p99 shows."""
LEAST_APART = 1.15
"""The slower mode takes at least this many times the quicker one; closer ones mislead little."""
SURE = 0.01
"""Chance at most that a density with one peak has so few samples in the middle."""
EMPTY = 0.25
"""The middle holds at most this share of what is around the smaller peak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Modes:
    """Two peaks of the samples."""

    quick_s: float
    slow_s: float
    quick_share: float


def two_modes(latency: Latency) -> Doubt | None:
    """The samples have two peaks."""
    modes = modes_of(latency.used_s)
    if modes is None:
        return None
    quick, slow = format_seconds(modes.quick_s), format_seconds(modes.slow_s)
    share = modes.quick_share
    parts = [f"{share:.0%} of samples near {quick}", f"{1 - share:.0%} near {slow}"]
    return Doubt(
        name="two modes",
        grade="B",
        text=f"two modes: {', '.join(parts if share >= 0.5 else reversed(parts))}",
        advice="find out which calls do less work; until then quote both",
    )


def modes_of(samples_s: Sequence[float]) -> Modes | None:
    """The two peaks of samples in the order in which they were taken; None if there is one."""
    # Steady samples, which are most, are told without logarithms.
    if len(samples_s) < LEAST_SAMPLES or max(samples_s) < LEAST_APART * min(samples_s):
        return None
    logs = [log(sample) for sample in samples_s]
    ordered = sorted(logs)
    cut = _best_cut(ordered)
    quick, slow = median(ordered[:cut]), median(ordered[cut:])
    if slow - quick < log(LEAST_APART):
        return None
    third, valley = (slow - quick) / 3, (quick + slow) / 2
    share = bisect_left(ordered, valley) / len(ordered)
    if not LEAST_SHARE <= share <= 1 - LEAST_SHARE:  # the rest of a part are outliers
        return None
    around = min(_within(ordered, peak, third) for peak in (quick, slow))
    middle = _within(ordered, valley, third)
    weight = _weight([sample < valley for sample in logs])
    if middle > EMPTY * around or not _is_fewer(weight * middle, weight * around):
        return None
    return Modes(quick_s=exp(quick), slow_s=exp(slow), quick_share=share)


def _best_cut(ordered: Sequence[float]) -> int:
    """How many samples are in the lower part: the cut that leaves the least squares."""
    count, sums = len(ordered), [0.0, *accumulate(ordered)]
    least = ceil(LEAST_SHARE * count)

    def between(cut: int) -> float:
        """What the cut takes off the sum of squares, up to a constant."""
        return sums[cut] ** 2 / cut + (sums[-1] - sums[cut]) ** 2 / (count - cut)

    return max(range(least, count - least + 1), key=between)


def _within(ordered: Sequence[float], centre: float, width: float) -> int:
    return bisect_right(ordered, centre + width / 2) - bisect_left(ordered, centre - width / 2)


def _weight(parts: Sequence[bool]) -> float:
    """How many independent samples one sample counts for, by the part that each is in."""
    share = sum(parts) / len(parts)
    same = sum(one == other for one, other in pairwise(parts))
    by_chance = share**2 + (1 - share) ** 2
    alike = (same / (len(parts) - 1) - by_chance) / (1 - by_chance)
    return (1 - alike) / (1 + alike) if alike > 0 else 1.0


def _is_fewer(middle: float, around: float) -> bool:
    """Whether the middle holds fewer than chance gives where both hold as many on average."""
    few, all_of_them = floor(middle), floor(middle) + floor(around)
    chance = sum(comb(all_of_them, number) for number in range(few + 1)) / 2**all_of_them
    return chance <= SURE

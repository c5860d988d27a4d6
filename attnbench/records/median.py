"""Medians and percentiles of samples, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import ceil, comb, sqrt

Interval = tuple[float, float]


def median_interval(samples: Sequence[float]) -> Interval | None:
    """95 % order-statistic interval of the median; it assumes no distribution.

    The widest rank k with P(Binomial(n, 1/2) < k) at most 2.5 % gives the k-th smallest and the
    k-th largest sample. None if there are fewer than 6 samples.
    """
    k = _outer_rank(len(samples))
    if k == 0:
        return None
    ordered = sorted(samples)
    return ordered[k - 1], ordered[-k]


@cache
def _outer_rank(count: int) -> int:
    if count > 1000:  # the exact sum is slow, and the normal approximation is within one rank
        return int(count / 2 - 1.96 * sqrt(count) / 2)
    below, k = 0, 0
    while (below + comb(count, k)) * 40 <= 2**count:
        below += comb(count, k)
        k += 1
    return k


def percentile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that is at least as large as that share of them (nearest rank).

    It is one of the samples, never a value between two: p99 of 30 samples is the largest.
    """
    return sorted(samples)[max(0, ceil(share * len(samples)) - 1)]

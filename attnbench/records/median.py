"""Medians and percentiles, with intervals that hold for samples that depend on each other.

Latencies taken one after another are alike: the machine is in one state for many of them. An
interval that takes them as independent is far too narrow. It held the median of its own series for
49 % of the blocks of 30 samples of our published records, where 95 % were promised.

**The interval** lies between two of the ordered samples, and assumes no distribution. Its ranks
are n/2 ± h, and h is the larger of two half-widths:

- **effective size**: the half-width of n independent samples (order statistics, exact binomial)
  times sqrt((1 + r) / (1 - r)), the factor of a first-order autoregression [1]. r is the lag-1
  rank autocorrelation in time order, corrected for its bias in short series [2], plus its standard
  error. At r = 0.5, 90 samples count as 30.
- **blocks**: the samples are cut into 4 blocks in time order, then into 5. How far the blocks'
  shares of samples below the median differ gives a half-width, by Student's t [3, 4]. So few blocks
  see changes that are slower than r tells.

**None** is the answer where no interval can be given: the ranks lie outside of the samples, or the
samples span less than `LEAST_SPAN_S`. A stretch of some milliseconds says nothing about the next
second.

An interval speaks of the session in which its samples were taken. What changes between sessions is
the resolution floor's part (`attnbench doctor`), as [5] demands: repeat at each level that varies.

1. Heidelberger and Lewis, Quantile estimation in dependent sequences, 1984.
2. Kendall, Note on bias in the estimation of autocorrelation, 1954.
3. Conway, Some tactical problems in digital simulation, 1963 (batch means).
4. Ibragimov and Müller, t-statistic based correlation and heterogeneity robust inference, 2010.
5. Kalibera and Jones, Rigorous benchmarking in reasonable time, 2013.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import accumulate, pairwise
from math import ceil, comb, floor, sqrt
from operator import mul
from statistics import NormalDist

Interval = tuple[float, float]

LEVEL = 0.95
"""Share of intervals that hold what they promise to hold."""
LEAST_SPAN_S = 0.5
"""Seconds that samples must span. In our published records, blocks of 30 consecutive samples that
span less hold the median of their series in 73 %, those that span more in 84 %."""
BLOCKS = (4, 5)
ROUNDING = 1e-9
"""Samples that differ by a smaller share are equal: their order tells nothing."""


def median_interval(
    samples: Sequence[float], span_s: float | None = None, level: float = LEVEL
) -> Interval | None:
    """The interval of the median, by the rule of this module; None if it cannot be given.

    Args:
        samples: in the order in which they were taken.
        span_s: seconds from the first to the last; None if that is not known, and not asked for.
        level: 0.95 unless many intervals must hold together.
    """
    if span_s is not None and span_s < LEAST_SPAN_S:
        return None
    count, ordered = len(samples), sorted(samples)
    rank = outer_rank(count, level)
    if rank == 0:
        return None
    if ordered[-1] - ordered[0] <= ROUNDING * abs(ordered[0]):
        return ordered[rank - 1], ordered[-rank]
    ranks = _ranks(samples, ordered)
    half = (count / 2 - rank) * sqrt(count / _effective(ranks))
    below = [0, *accumulate([2 if rank < 0 else rank == 0 for rank in ranks])]
    half = max(half, *[_half_of_blocks(below, blocks, level) for blocks in BLOCKS])
    k = floor(count / 2 - half)
    return (ordered[k - 1], ordered[-k]) if k >= 1 else None


def effective_size(samples: Sequence[float]) -> float:
    """How many independent samples these count as, by their lag-1 rank autocorrelation."""
    return _effective(_ranks(samples, sorted(samples)))


def _ranks(samples: Sequence[float], ordered: Sequence[float]) -> list[int]:
    """Twice each sample's distance from the middle rank; equal samples share their mean rank."""
    middle = len(ordered) - 1
    last = dict(zip(ordered, range(-middle, len(ordered), 2), strict=True))
    if len(last) == len(ordered):
        return [last[sample] for sample in samples]
    first = dict(zip(reversed(ordered), range(middle, -len(ordered), -2), strict=True))
    return [(first[sample] + last[sample]) // 2 for sample in samples]


def _effective(ranks: Sequence[int]) -> float:
    count, power = len(ranks), sum(map(mul, ranks, ranks))
    r = sum(map(mul, ranks, ranks[1:])) / power
    r += (1 + 3 * r) / count + sqrt(max(0.0, 1 - r * r) / count)
    return count if r <= 0 else count * (1 - r) / (1 + r) if r < 1 else 1e-9


def _half_of_blocks(below: Sequence[int], blocks: int, level: float) -> float:
    """The half-width in ranks that the blocks ask for; 0 if there are too few samples for them.

    `below` has, for each sample and for the start, twice how many samples up to it lie below the
    median; one that equals it counts once.
    """
    count = len(below) - 1
    size = count // blocks
    if size < 2:
        return 0.0
    ends = below[count - blocks * size :: size]
    shares = [(after - before) / (2 * size) for before, after in pairwise(ends)]
    middle = sum(shares) / blocks
    variance = sum([(share - middle) ** 2 for share in shares]) / (blocks - 1)
    return student(level, blocks - 1) * count * sqrt(variance / blocks)


@cache
def student(level: float, dof: int) -> float:
    """The two-sided quantile of Student's t with `dof` degrees of freedom, at least 1."""
    # scipy.stats.t.ppf calls this too, but importing scipy.stats takes a second.
    from scipy.special import stdtrit

    if dof < 1:
        raise ValueError(f"Student's t needs at least one degree of freedom, got {dof}")
    return float(stdtrit(dof, (1 + level) / 2))


@cache
def normal(level: float) -> float:
    """The two-sided quantile of the normal distribution."""
    return NormalDist().inv_cdf((1 + level) / 2)


@cache
def outer_rank(count: int, level: float) -> int:
    """The widest rank k with P(Binomial(count, 1/2) < k) at most half of what the level leaves."""
    if count > 1000:  # the exact sum is slow, and the normal approximation is within one rank
        return int(count / 2 - normal(level) * sqrt(count) / 2)
    allowed = 2**count * (1 - level) / 2 * (1 + 1e-12)
    below, k = 0, 0
    while below + comb(count, k) <= allowed:
        below += comb(count, k)
        k += 1
    return k


def percentile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that is at least as large as that share of them (nearest rank).

    It is one of the samples, never a value between two: p99 of 30 samples is the largest.
    """
    return percentile_of(sorted(samples), share)


def percentile_of(ordered: Sequence[float], share: float) -> float:
    """The same of samples that are in ascending order."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)]

"""Intervals of medians hold: for samples that depend on each other, and for our published ones."""

from itertools import combinations, pairwise
from math import comb, sqrt
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from record_builders import memoryless

from attnbench.records import CostRecord, of_type, store
from attnbench.records.median import LEAST_SPAN_S, effective_size, median_interval

PUBLISHED = Path(__file__).parents[2] / "results" / "measured"
AIM = 0.93
"""Least share of 95 % intervals that must hold what they promise."""


@pytest.mark.parametrize("count", range(1, 6))
def test_under_six_samples_have_no_interval(count):
    assert median_interval([1.0] * count) is None


@pytest.mark.parametrize("count", [6, 17, 100, 200, 201, 2000])
def test_samples_without_memory_have_the_order_statistic_interval(count):
    low, high = median_interval(memoryless(range(1, count + 1)))
    assert low + high == count + 1  # the same number of samples is cut off at both ends
    outside = 2 * sum(comb(count, i) for i in range(low)) / 2**count
    assert outside <= 0.05
    inner = outside + 2 * (comb(count, low) + comb(count, low + 1)) / 2**count
    assert inner > 0.05  # at most one order statistic wider than needed


def test_the_rank_is_continuous_where_the_approximation_takes_over():
    ranks = [median_interval(memoryless(range(1, n + 1)))[0] for n in range(990, 1011)]
    assert all(abs(after - before) <= 1 for before, after in pairwise(ranks))


def test_a_higher_level_asks_for_a_wider_interval():
    samples = np.random.default_rng(0).lognormal(size=300)
    widths = [high - low for low, high in (median_interval(samples, level=p) for p in LEVELS)]
    assert widths == sorted(widths)
    assert len(set(widths)) == len(LEVELS)


LEVELS = (0.8, 0.9, 0.95, 0.99)


def test_a_short_stretch_has_no_interval():
    samples = np.random.default_rng(0).lognormal(size=100)
    assert median_interval(samples, LEAST_SPAN_S / 2) is None
    assert median_interval(samples, LEAST_SPAN_S) == median_interval(samples)


def test_samples_that_only_grow_have_no_interval():
    assert median_interval([1 + 0.01 * i for i in range(30)]) is None


@pytest.mark.parametrize("factor", [1.0, 3.7])
def test_equal_samples_are_known_exactly(factor):
    assert median_interval([factor] * 8) == (factor, factor)
    # What rounding adds has an order too; it must tell nothing.
    assert median_interval([factor * (1 + i * 1e-14) for i in range(8)]) is not None


def series(correlation, count, repeats, seed=0):
    """First-order autoregressions with a median of 1; each row starts in its steady state."""
    draw = np.random.default_rng(seed)
    rows = np.empty((repeats, count))
    rows[:, 0] = draw.standard_normal(repeats)
    for t in range(1, count):
        fresh = draw.standard_normal(repeats)
        rows[:, t] = correlation * rows[:, t - 1] + sqrt(1 - correlation**2) * fresh
    return np.exp(0.1 * rows).tolist()


@pytest.mark.parametrize("count", [30, 100, 300])
@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_an_interval_holds_the_median_however_samples_depend_on_each_other(correlation, count):
    intervals = [median_interval(row) for row in series(correlation, count, repeats=300)]
    given = [interval for interval in intervals if interval is not None]
    wrong = sum(not low <= 1 <= high for low, high in given)
    assert wrong <= (1 - AIM) * 300  # of all series: many a short one gets no interval
    if len(given) > 100:
        assert wrong <= (1 - AIM) * len(given)
    if correlation < 0.9:
        assert len(given) > 150


def test_the_effective_size_is_that_of_an_autoregression():
    sizes = [effective_size(row) for row in series(0.5, 900, repeats=20)]
    assert 220 < median(sizes) < 330  # 900 (1 - r) / (1 + r) with r = 0.5 is 300; a little is kept


@pytest.mark.parametrize("shift", [0.0, 0.3])
@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_a_shift_within_a_session_is_inside_the_interval(correlation, shift):
    """Half of the samples are slower: neither half may be called the median of both."""
    wrong = given = 0
    for row in series(correlation, 200, repeats=200):
        shifted = [x * (1 + shift * (i >= 100)) for i, x in enumerate(row)]
        interval = median_interval(shifted)
        given += interval is not None
        wrong += interval is not None and not interval[0] <= 1 + shift / 2 <= interval[1]
    assert wrong <= (1 - AIM) * max(given, 1)


@pytest.fixture(scope="module")
def published():
    """The latencies of our published records, of every grade."""
    contents = store.read_many(sorted(PUBLISHED.glob("*.jsonl")))
    return [r.latency for r in of_type(contents.records, CostRecord) if r.latency is not None]


def overlapping(stretches):
    """Of all pairs of stretches with an interval, how many there are and how many overlap."""
    pairs = list(combinations(filter(None, stretches), 2))
    return len(pairs), sum(one[0] <= other[1] and other[0] <= one[1] for one, other in pairs)


def stretches(values, seconds, count):
    """Intervals of up to six stretches of consecutive values; none if there are fewer than two."""
    found = min(len(values) // count, 6)
    starts = np.linspace(0, len(values) - count, found).astype(int) if found > 1 else ()
    blocks = [slice(start, start + count) for start in starts]
    return [median_interval(values[block], sum(seconds[block])) for block in blocks]


def agree(found, least):
    pairs, overlap = map(sum, zip(*found, strict=True))
    assert pairs > least
    assert overlap >= AIM * pairs


def test_no_stretch_of_a_published_series_contradicts_another(published):
    agree(
        [
            overlapping(stretches(latency.samples_s, latency.samples_s, count))
            for latency in published
            for count in (30, 100, 300)
        ],
        least=200,
    )


def test_the_halves_of_published_series_are_the_same(published):
    agree(
        [
            overlapping(
                stretches(latency.samples_s, latency.samples_s, len(latency.samples_s) // 2)
            )
            for latency in published
            if len(latency.samples_s) >= 12
        ],
        least=100,
    )


def test_the_halves_of_published_ratios_are_the_same(published):
    rounds, found = {}, []
    for latency in published:
        rounds.setdefault((latency.rounds_with, len(latency.samples_s)), []).append(latency)
    for one, other in (pair for (t, _), cells in rounds.items() if t for pair in pairwise(cells)):
        pairs = list(zip(one.samples_s, other.samples_s, strict=True))
        ratios, seconds = [a / b for a, b in pairs], [a + b for a, b in pairs]
        found.append(overlapping(stretches(ratios, seconds, len(ratios) // 2)))
    agree(found, least=100)


def test_samples_spread_over_a_published_series_hold_its_median(published):
    """Every k-th sample: what sampling in blocks apart in time comes near to."""
    given = right = 0
    for latency in published:
        step = len(latency.samples_s) // 60
        for start in range(min(step, 8)):
            interval = median_interval(latency.samples_s[start::step][:60])
            given += interval is not None
            right += interval is not None and interval[0] <= latency.median_s <= interval[1]
    assert given > 500
    assert right >= AIM * given

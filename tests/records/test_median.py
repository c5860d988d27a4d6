"""Laws of medians and their intervals; tests/doctor/test_coverage.py tells how often they hold."""

from itertools import pairwise
from math import comb

import numpy as np
import pytest
from record_builders import memoryless

from attnbench.records.median import LEAST_SPAN_S, median_interval


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

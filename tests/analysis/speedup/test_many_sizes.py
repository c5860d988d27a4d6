"""Of many sizes with a ratio of 1, hardly any is claimed to differ; true crossovers are found."""

from __future__ import annotations

import numpy as np
import pytest

from attnbench.analysis.speedup.ratio_crossing import Point, at_once, crossings
from attnbench.records.median import median_interval

RUNS = 400


def even(generator, size):
    return 0.05 * generator.standard_normal(size)


def heavy(generator, size):
    return 0.05 * generator.standard_t(3, size)


def skewed(generator, size):
    return generator.exponential(0.05, size) - 0.05 * np.log(2)


def points_of(logs):
    """One point for each row of samples, which are logarithms of ratios."""
    found = []
    for number, samples in enumerate(np.exp(logs)):
        low, high = median_interval(list(samples)) or (np.nan, np.nan)
        ratio = float(np.median(samples))
        found.append(Point(tokens=2.0**number, ratio=ratio, low=low, high=high))
    return found


@pytest.mark.parametrize("count", [4, 8, 16])
@pytest.mark.parametrize("draw", [even, heavy, skewed])
def test_where_the_ratio_is_one_at_every_size_hardly_anything_is_claimed(count, draw):
    generator = np.random.default_rng(count)
    claims = sum(
        crossings(points_of(draw(generator, (count, 60)))).outcome != "cannot tell"
        for _ in range(RUNS)
    )
    # 5 % in all, with three standard errors; without the correction it is 15 to 50 %.
    assert claims / RUNS <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / RUNS)


@pytest.mark.parametrize("count", [4, 8, 16])
def test_a_true_crossover_of_ten_percent_is_found(count):
    generator = np.random.default_rng(0)
    truth = np.where(np.arange(count) < count // 2, -0.1, 0.1)[:, None]
    found = [crossings(points_of(truth + even(generator, (count, 60)))) for _ in range(100)]
    hits = [
        one
        for one in found
        if one.outcome == "overtakes"
        and one.found[0].low < 2.0 ** (count // 2) <= one.found[0].high
    ]
    assert len(hits) >= 90


def test_one_size_keeps_its_interval_and_more_have_wider_ones():
    point = Point(tokens=1, ratio=1.0, low=0.9, high=1.2)
    assert at_once([point])[0] == point
    widths = [np.log(at_once([point] * count)[0].high) for count in (1, 2, 8, 16)]
    assert widths == sorted(set(widths))
    exact = Point(tokens=1, ratio=2.0, low=2.0, high=2.0, is_exact=True)
    assert at_once([exact, *[point] * 9])[0] == exact


def test_an_unknown_interval_stays_unknown():
    blind = Point(tokens=1, ratio=1.0, low=float("nan"), high=float("nan"))
    assert not any(point.has_interval for point in at_once([blind] * 3))

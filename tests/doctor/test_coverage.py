"""Intervals hold for samples that depend on each other, simulated ones and our published ones."""

from pathlib import Path
from random import Random
from statistics import median

import pytest

from attnbench.doctor.coverage import (
    AIM,
    NOTHING,
    Coverage,
    holding,
    overlapping,
    ratios_in_turn,
    series,
    stretches,
    stretches_of,
)
from attnbench.records import CostRecord, of_type, store
from attnbench.records.median import effective_size, median_interval

PUBLISHED = Path(__file__).parents[2] / "results" / "measured"


@pytest.mark.parametrize("count", [30, 100, 300])
@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_an_interval_holds_the_median_however_samples_depend_on_each_other(correlation, count):
    draw = Random(0)
    found = holding(
        (median_interval(series(draw, correlation, count)) for _ in range(300)), truth=1.0
    )
    assert found.wrong_share <= 1 - AIM  # of all series: many a short one gets no interval
    if found.given > 100:
        assert found.share >= AIM
    if correlation < 0.9:
        assert found.given > 150


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_ratios_of_samples_taken_in_turn_hold_through_shifts_of_the_session(correlation):
    draw, intervals = Random(1), []
    for _ in range(300):
        drift = series(draw, 0.99, 100, shift=0.2)
        one, other = series(draw, correlation, 100), series(draw, correlation, 100)
        pairs = zip(one, other, drift, strict=True)
        intervals.append(median_interval([(a * d) / (b * d) for a, b, d in pairs]))
    found = holding(intervals, truth=1.0)
    assert found.wrong_share <= 1 - AIM
    if found.given > 100:
        assert found.share >= AIM


@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_a_shift_within_a_session_is_inside_the_interval(correlation):
    """Half of the samples are slower: neither half may be called the median of both."""
    draw, intervals = Random(2), []
    for _ in range(200):
        row = series(draw, correlation, 200)
        intervals.append(median_interval([x * (1 + 0.3 * (i >= 100)) for i, x in enumerate(row)]))
    assert holding(intervals, truth=1.15).share >= AIM


def test_the_effective_size_is_that_of_an_autoregression():
    draw = Random(3)
    sizes = [effective_size(series(draw, 0.5, 900)) for _ in range(20)]
    assert 220 < median(sizes) < 330  # 900 (1 - r) / (1 + r) with r = 0.5 is 300; less a margin


@pytest.fixture(scope="module")
def published():
    """The latencies of our published records, of every grade."""
    contents = store.read_many(sorted(PUBLISHED.glob("*.jsonl")))
    return [r.latency for r in of_type(contents.records, CostRecord) if r.latency is not None]


def agree(found, least):
    total = sum(found, NOTHING)
    assert total.given > least
    assert total.share >= AIM


def test_the_halves_of_published_series_are_the_same(published):
    agree([overlapping(stretches_of(one, len(one.used_s) // 2)) for one in published], least=100)


def test_the_halves_of_published_ratios_are_the_same(published):
    agree(
        [
            overlapping(stretches(ratios, seconds, len(ratios) // 2))
            for ratios, seconds in ratios_in_turn(published)
        ],
        least=100,
    )


def test_samples_spread_over_a_published_series_hold_its_median(published):
    """Every k-th sample: what sampling in blocks apart in time comes near to."""
    found = []
    for latency in published:
        step = len(latency.samples_s) // 60
        spread = [latency.samples_s[start::step][:60] for start in range(min(step, 8))]
        found.append(holding(map(median_interval, spread), latency.median_s))
    agree(found, least=500)


def test_a_case_without_an_interval_claims_nothing():
    found = holding([None, (0.0, 2.0), (2.0, 3.0)], truth=1.0)
    assert found == Coverage(cases=3, given=2, held=1)
    assert (found.share, found.wrong_share) == (0.5, 1 / 3)
    assert NOTHING.share == 1.0
    assert overlapping([(0, 1), (1, 2), None, (3, 4)]) == Coverage(cases=6, given=3, held=1)

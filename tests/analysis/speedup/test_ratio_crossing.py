from __future__ import annotations

from math import nan

import pytest

from attnbench.analysis.speedup.ratio_crossing import Point, crossings

SIZES = (64, 256, 1024, 4096, 16384)


def exact(*ratios):
    points = [
        Point(tokens=n, ratio=ratio, low=ratio, high=ratio, is_exact=True)
        for n, ratio in zip(SIZES, ratios, strict=False)
    ]
    return crossings(points)


def measured(*triples):
    """Each of (low, ratio, high), at one size after the other."""
    points = [
        Point(tokens=n, ratio=ratio, low=low, high=high)
        for n, (low, ratio, high) in zip(SIZES, triples, strict=False)
    ]
    return crossings(points)


BELOW, ABOVE = (0.4, 0.5, 0.6), (1.5, 2.0, 2.5)
MAYBE_BELOW, MAYBE_ABOVE = (0.8, 0.9, 1.1), (0.9, 1.1, 1.2)
UNKNOWN = (nan, 3.0, nan)


def test_a_power_law_crosses_exactly_where_it_does():
    # (tokens / 500) ** 0.7 is straight in log-log, so interpolation finds 500 itself.
    judged = exact(*((n / 500) ** 0.7 for n in SIZES))
    (crossing,) = judged.found
    assert judged.outcome == "overtakes"
    assert crossing.tokens == pytest.approx(500)
    assert (crossing.low, crossing.high) == (crossing.tokens, crossing.tokens)
    assert crossing.between == (256, 1024)


def test_a_crossing_at_a_measured_size_is_that_size():
    assert exact(0.5, 1.0, 2.0).found[0].tokens == pytest.approx(256)


def test_the_inverse_ratio_crosses_at_the_same_place_the_other_way():
    ratios = (0.5, 0.9, 1.7, 3.0)
    one, other = exact(*ratios), exact(*(1 / ratio for ratio in ratios))
    assert one.found[0].tokens == pytest.approx(other.found[0].tokens)
    assert (one.outcome, other.outcome) == ("overtakes", "falls behind")
    assert other.last_rise is None


@pytest.mark.parametrize(
    ("ratios", "outcome"),
    [
        ((2, 3), "ahead"),
        ((1, 2), "ahead"),
        ((0.5, 0.4), "behind"),
        ((0.5, 1), "behind"),
        ((1, 1, 1), "level"),
        ((0.5, 2, 0.5), "several"),
        ((2, 0.5, 2), "several"),
    ],
)
def test_outcomes_of_counts(ratios, outcome):
    judged = exact(*ratios)
    assert judged.outcome == outcome
    assert len(judged.found) == {"several": 2}.get(outcome, 0)


def test_the_interval_reaches_to_the_sizes_that_are_sure():
    judged = measured(BELOW, MAYBE_BELOW, MAYBE_ABOVE, ABOVE)
    (crossing,) = judged.found
    assert (crossing.low, crossing.high) == (64, 4096)
    assert crossing.between == (256, 1024)
    assert 256 < crossing.tokens < 1024


def test_an_interval_without_width_does_not_make_a_measurement_a_count():
    (crossing,) = measured((0.5, 0.5, 0.5), (2, 2, 2)).found
    assert (crossing.low, crossing.high, crossing.is_exact) == (64, 256, False)


def test_noise_about_one_is_one_crossing_and_not_many():
    judged = measured(BELOW, MAYBE_ABOVE, MAYBE_BELOW, ABOVE)
    (crossing,) = judged.found
    assert judged.outcome == "overtakes"
    assert crossing.between == (1024, 4096)  # the last one: from there on it is ahead


def test_a_lead_that_is_sure_twice_is_told_twice():
    judged = measured(BELOW, ABOVE, BELOW, MAYBE_ABOVE, ABOVE)
    assert judged.outcome == "several"
    assert [crossing.rises for crossing in judged.found] == [True, False, True]
    assert judged.last_rise is judged.found[2]


def test_what_may_begin_below_overtakes_with_an_open_end():
    (crossing,) = measured(MAYBE_BELOW, ABOVE, ABOVE).found
    assert (crossing.low, crossing.high) == (None, 256)
    assert 64 < crossing.tokens < 256


def test_what_was_never_seen_below_is_ahead():
    judged = measured(MAYBE_ABOVE, ABOVE)
    assert (judged.outcome, judged.found) == ("ahead", ())


def test_intervals_over_one_throughout_cannot_tell():
    assert measured(MAYBE_BELOW, MAYBE_ABOVE).outcome == "cannot tell"
    assert measured(UNKNOWN, UNKNOWN).outcome == "cannot tell"


def test_a_ratio_without_interval_is_sure_of_nothing():
    judged = measured(BELOW, ABOVE, UNKNOWN, MAYBE_ABOVE)
    assert judged.outcome == "overtakes"
    assert [point.tokens for point in judged.undecided] == [1024, 4096]
    assert [point.has_interval for point in judged.undecided] == [False, True]
    assert measured(BELOW, UNKNOWN).outcome == "behind"

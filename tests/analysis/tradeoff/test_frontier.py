from __future__ import annotations

import random
from dataclasses import replace

import pytest

from attnbench.analysis.tradeoff.frontier import dominated, joined


def points(*pairs):
    return [joined("name", "dense", "dense", [cost], [score]) for cost, score in pairs]


def by_definition(some):
    def beats(a, b):
        at_least = a.cost <= b.cost and a.score >= b.score
        return at_least and (a.cost < b.cost or a.score > b.score)

    return [any(beats(other, point) for other in some) for point in some]


@pytest.mark.parametrize("seed", range(30))
def test_the_sweep_agrees_with_the_definition(seed):
    rng = random.Random(seed)  # few values, so that ties and duplicates are common
    some = points(*((rng.randint(0, 5), rng.randint(0, 5) / 5) for _ in range(rng.randint(1, 25))))
    assert dominated(some) == by_definition(some)


def test_equal_points_both_stay():
    assert dominated(points((1, 0.5), (1, 0.5))) == [False, False]


def test_a_tie_in_one_is_decided_by_the_other():
    assert dominated(points((1, 0.5), (2, 0.5))) == [False, True]
    assert dominated(points((1, 0.5), (1, 0.6))) == [True, False]


def test_cheaper_or_more_accurate_is_enough():
    assert dominated(points((1, 0.5), (2, 0.6), (3, 0.7))) == [False] * 3


def test_somebody_is_always_left():
    some = points(*((i % 7, (i * 5 % 11) / 11) for i in range(40)))
    assert not all(dominated(some))
    assert dominated(points((1, 0))) == [False]
    assert dominated([]) == []


def test_the_scale_of_the_cost_does_not_matter():
    some = points(*((1 + i % 7, (i * 5 % 11) / 11) for i in range(40)))
    scaled = [replace(point, cost=point.cost**3 * 1e9) for point in some]
    assert dominated(scaled) == dominated(some)


def test_what_is_no_number_is_refused():
    with pytest.raises(ValueError, match="both numbers"):
        dominated(points((1, 0.5), (float("nan"), 0.5)))


def test_seeds_are_joined_into_their_mean_and_its_interval():
    point = joined("name", "dense", "dense", [1.0, 3.0], [0.5, 0.7])
    assert (point.cost, point.score, point.seeds) == (2.0, pytest.approx(0.6), 2)
    # Two values 0.2 apart: t(1) = 12.706, so the half-width is 12.706 · 0.1.
    assert point.interval == pytest.approx((0.6 - 1.2706, 0.6 + 1.2706), abs=1e-4)
    assert joined("name", "dense", "dense", [1.0], [0.5]).interval is None


def test_a_score_that_is_better_lower_is_judged_that_way():
    some = points((1, 0.5), (2, 0.6), (3, 0.4))
    assert dominated(some, "lower") == [False, True, False]

from __future__ import annotations

import random

import pytest

from attnbench.analysis.tradeoff.frontier import dominated, joined
from attnbench.analysis.tradeoff.spots import (
    MOST_LABELS,
    NAMES_AT_A_SPOT,
    labelled,
    spots_of,
    unlabelled_remark,
)


def spots(pairs):
    points = [joined(f"m{i}", "dense", "dense", [c], [s]) for i, (c, s) in enumerate(pairs)]
    return points, spots_of(points, dominated(points))


@pytest.mark.parametrize("seed", range(10))
def test_each_point_is_at_exactly_one_spot_with_its_equals(seed):
    rng = random.Random(seed)
    points, found = spots([(rng.randint(0, 4), rng.randint(0, 4)) for _ in range(37)])
    together = [point for spot in found for point in spot.points]
    assert sorted(map(id, together)) == sorted(map(id, points))
    assert len({(spot.cost, spot.score) for spot in found}) == len(found)
    beaten = dict(zip(map(id, points), dominated(points), strict=True))
    for spot in found:
        assert {(p.cost, p.score) for p in spot.points} == {(spot.cost, spot.score)}
        assert {beaten[id(p)] for p in spot.points} == {spot.is_beaten}


def test_the_models_of_a_tie_are_named_with_their_number():
    _, found = spots([(1, 0.5), (1, 0.5), (2, 0.7)])
    assert [spot.name for spot in found] == ["2 models: m0, m1", "m2"]
    _, (tie,) = spots([(1, 0.5)] * 1001)
    assert tie.name == f"1,001 models: m0, m1, m2 and {1001 - NAMES_AT_A_SPOT:,} more"


def test_few_spots_are_all_labelled():
    _, found = spots([(i, i % 3) for i in range(MOST_LABELS)])
    assert labelled(found) == found
    assert unlabelled_remark(found) == ""


def test_of_many_spots_those_on_the_frontier_are_labelled():
    _, found = spots([(i, min(i, 3)) for i in range(MOST_LABELS + 1)])
    assert [spot.cost for spot in labelled(found)] == [0, 1, 2, 3]
    remark = unlabelled_remark(found)
    assert "Of 41 points, those on the frontier have a label; the 37 others" in remark


def test_a_long_frontier_is_labelled_from_end_to_end():
    count = 7 * MOST_LABELS + 3
    _, found = spots([(i, i) for i in range(count)])
    named = labelled(found)
    costs = [spot.cost for spot in named]
    assert len(named) == MOST_LABELS
    assert costs == sorted(set(costs))
    assert (costs[0], costs[-1]) == (0, count - 1)
    assert f"the {count - MOST_LABELS} others are named in models.csv" in unlabelled_remark(found)

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from attnbench.analysis.tradeoff.frontier import joined
from attnbench.analysis.tradeoff.standing import standings


def point(cost, *scores, bounds=None):
    made = joined("name", "dense", "dense", [cost], list(scores))
    return replace(made, cost_interval=bounds)


def verdicts(*points, better="higher"):
    return [standing.verdict for standing in standings(points, better)]


def by_definition(some):
    def box(one):
        low, high = one.interval or (float("-inf"), float("inf"))
        return *(one.cost_interval or (one.cost, one.cost)), low, high

    def surely(a, b):
        (_, dear, worst, _), (cheap, _, _, best) = box(a), box(b)
        return (dear <= cheap and worst > best) or (dear < cheap and worst >= best)

    def maybe(a, b):
        (cheap, _, _, best), (_, dear, worst, _) = box(a), box(b)
        return (cheap <= dear and best > worst) or (cheap < dear and best >= worst)

    for one in some:
        others = [other for other in some if other is not one]
        if any(surely(other, one) for other in others):
            yield "dominated"
        else:
            yield "cannot tell" if any(maybe(o, one) for o in others) else "on the frontier"


def drawn(rng):
    cost = rng.randint(0, 5)
    scores = [rng.randint(0, 5) / 5 for _ in range(rng.choice((1, 2, 3)))]
    bounds = (cost - 0.5, cost + rng.randint(0, 1)) if rng.random() < 0.3 else None
    return point(cost, *scores, bounds=bounds)


@pytest.mark.parametrize("seed", range(30))
def test_the_search_agrees_with_the_definition(seed):
    rng = random.Random(seed)  # few values, so that ties are common
    some = [drawn(rng) for _ in range(rng.randint(0, 25))]
    assert verdicts(*some) == list(by_definition(some))


def test_one_seed_decides_nothing_but_the_cheapest():
    assert verdicts(point(1, 0.5), point(2, 0.9)) == ["on the frontier", "cannot tell"]
    assert verdicts(point(1, 0.5), point(1, 0.9)) == ["cannot tell"] * 2


def test_intervals_apart_decide():
    good, bad = (0.80, 0.81, 0.80), (0.60, 0.61, 0.60)
    found = standings([point(1, *good), point(2, *bad)])
    assert [one.verdict for one in found] == ["on the frontier", "dominated"]
    assert (found[0].by, found[1].by) == (None, 0)
    assert verdicts(point(1, *bad), point(2, *good)) == ["on the frontier"] * 2
    assert verdicts(point(1, *good), point(2, *bad), better="lower") == ["on the frontier"] * 2


def test_costs_that_overlap_decide_nothing():
    good, bad = (0.80, 0.81, 0.80), (0.60, 0.61, 0.60)
    apart = point(1.0, *good, bounds=(0.9, 1.1)), point(2.0, *bad, bounds=(1.9, 2.1))
    near = point(1.0, *good, bounds=(0.9, 1.1)), point(1.05, *bad, bounds=(1.0, 1.2))
    assert verdicts(*apart) == ["on the frontier", "dominated"]
    assert verdicts(*near) == ["on the frontier", "cannot tell"]


@pytest.mark.parametrize("seed", range(10))
def test_differences_that_follow_from_the_intervals_change_nothing(seed):
    """The definition for single pairs, on pairs whose interval is what two scores allow."""
    rng = random.Random(seed)
    some = [drawn(rng) for _ in range(rng.randint(2, 12))]
    pairs = {
        (one, other): (some[one].interval[0] - some[other].interval[1],
                       some[one].interval[1] - some[other].interval[0])
        for one in range(len(some)) for other in range(len(some))
        if one != other and some[one].interval and some[other].interval and rng.random() < 0.8
    }  # fmt: skip
    plain = standings(some)
    paired = standings(some, "higher", pairs or None)
    assert [one.verdict for one in paired] == [one.verdict for one in plain]


def test_a_difference_decides_where_intervals_overlap():
    near = point(1, 0.80, 0.82, 0.81), point(2, 0.79, 0.81, 0.80)
    assert verdicts(*near) == ["on the frontier", "cannot tell"]
    apart = {(0, 1): (0.004, 0.016), (1, 0): (-0.016, -0.004)}
    found = standings(near, "higher", apart)
    assert [one.verdict for one in found] == ["on the frontier", "dominated"]
    assert found[1].by == 0
    turned = standings(near, "lower", apart)
    assert [one.verdict for one in turned] == ["on the frontier", "on the frontier"]

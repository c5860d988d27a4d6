"""Intervals of many medians at once are those of each alone, to the last digit."""

import random

import pytest

from attnbench.records.median import median_interval
from attnbench.records.median_many import median_intervals

KINDS = {
    "independent": lambda chance, count: [chance.gauss(1, 0.02) for _ in range(count)],
    "drifting": lambda chance, count: [1 + i / 99 + chance.gauss(0, 0.1) for i in range(count)],
    "sorted": lambda chance, count: sorted(chance.random() + 1 for _ in range(count)),
    "tied": lambda chance, count: [round(chance.gauss(1, 0.02), 2) for _ in range(count)],
    "equal": lambda chance, count: [1.0] * count,
}


@pytest.mark.parametrize("count", [1, 5, 6, 9, 10, 30, 31, 257])
def test_many_at_once_are_those_of_each_alone(count):
    chance = random.Random(count)
    many = [
        (tuple(kind(chance, count)), chance.choice([None, 0.1, 0.5, 2.0]))
        for kind in KINDS.values()
        for _ in range(30)
    ]
    assert median_intervals(many) == [median_interval(*one) for one in many]


def test_series_of_unlike_lengths_keep_their_places():
    chance = random.Random(0)
    counts = [chance.choice([3, 20, 40]) for _ in range(60)]
    many = [(tuple(chance.random() + 1 for _ in range(count)), 1.0) for count in counts]
    assert median_intervals(many) == [median_interval(*one) for one in many]

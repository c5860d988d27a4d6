"""Which calls are verified, and on which inputs."""

import torch

from attnbench.profiling.honesty.fresh import FreshValues
from attnbench.profiling.honesty.schedule import AT_LEAST, SHARE, Schedule


def drawn(schedule, rounds):
    return [number for number in range(rounds) if schedule.draw(number)]


def test_every_cell_has_some_verified_calls_among_its_first_rounds():
    for _ in range(20):
        found = drawn(Schedule(30), 100)
        assert len(found) == AT_LEAST
        assert 1 <= min(found) <= max(found) < 30


def test_they_cannot_be_foreseen():
    assert len({tuple(drawn(Schedule(30), 30)) for _ in range(20)}) > 10


def test_few_rounds_are_enough():
    assert drawn(Schedule(1), 2) == [1]
    assert drawn(Schedule(3), 9) == [1, 2]


def test_more_calls_are_verified_as_long_as_it_costs_little():
    schedule, verified = Schedule(3), 0
    calls = 20_000
    for number in range(calls):
        if schedule.draw(number):
            verified += 1
            schedule.verified(3.0)
        schedule.called(1.0)
    assert 0.5 * SHARE < verified * 3.0 / calls < 2 * SHARE


def test_fresh_values_differ_everywhere_and_keep_their_distribution():
    x = torch.randn(400, 50)
    memory, fresh = x.data_ptr(), FreshValues(x)
    seen = [x.clone()]
    for _ in range(5):
        fresh.renew()
        assert x.data_ptr() == memory
        assert all((x == before).float().mean() < 1e-3 for before in seen)
        assert abs(x.mean()) < 0.05
        assert 0.8 < x.std() < 1.2
        seen.append(x.clone())


def test_a_leaf_that_needs_gradients_can_be_renewed():
    x = torch.randn(3, 4, requires_grad=True)
    FreshValues(x).renew()
    assert x.requires_grad
    assert x.is_leaf

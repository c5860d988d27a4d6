"""An operator compared with itself and with a slower one, from scripted samples and real calls."""

from dataclasses import replace
from functools import partial

import pytest

from attnbench.doctor.comparisons import (
    HALF_WAY,
    PLANTED,
    compare_same,
    compare_slowed,
    compare_with,
    judge_same,
    judge_slowed,
)
from attnbench.doctor.known_times import spin
from attnbench.doctor.timed_operator import REPEATS
from attnbench.profiling.latency.timer import Sample
from attnbench.records.disturbance import Contention
from attnbench.spec import Protocol

SHORT = Protocol(warmup_s=0.0, min_samples=30, precision=0.01, time_budget_s=1.0)


def test_the_slower_operator_does_exactly_5_percent_more(operator):
    calls = []
    scripted = operator(lambda: calls.append(1))
    scripted.repeated()()
    before = len(calls)
    scripted.repeated(REPEATS + 1)()
    assert (len(calls) - before) / before == 1 + PLANTED
    assert PLANTED == 0.05
    assert HALF_WAY.relative == PLANTED / 2


class CountingTimer:
    """A clock that goes on by a fixed time for each piece of work, and by nothing else."""

    cache = "warm"

    def __init__(self):
        self.clock = 0.0

    def work(self):
        self.clock += 5e-5

    def prepare(self):
        pass

    def rest(self, seconds, call):
        self.clock += seconds

    def time_call(self, call):
        start = self.clock
        call()
        return Sample(self.clock - start)

    def now(self):
        return self.clock


@pytest.fixture
def alone(monkeypatch):
    """No other program takes part of the machine from us, as far as can be seen."""
    watched = "attnbench.profiling.latency.sampling.contention_between"
    monkeypatch.setattr(watched, lambda before, after: None)


def test_twice_the_work_is_slower_and_the_same_work_is_not(operator, alone):
    timer = CountingTimer()
    busy = replace(operator(timer.work), timer=timer)
    assert compare_with(busy, 2 * REPEATS, SHORT).verdict == "slower"
    assert compare_with(busy, REPEATS // 2, SHORT).verdict == "faster"
    assert compare_same(busy, SHORT).verdict == "same"
    assert compare_slowed(busy, SHORT).verdict == "slower"


def test_two_operators_are_sampled_in_turn_and_one_alone_is_not(operator):
    busy = operator(partial(spin, 1e-5))
    found = compare_with(busy, REPEATS, SHORT)
    assert found.ratio.paired
    assert found.before.latency.rounds_with == found.after.latency.rounds_with != ""
    assert busy.measure_alone(SHORT).latency.rounds_with == ""


SAME = {  # interval of the ratio, resolution floor, outcome
    "same": ((0.99, 1.02), 0.01, "passed"),
    "cannot tell on a machine that should": ((0.99, 1.03), 0.01, "failed"),
    "cannot tell on a machine that cannot": ((0.99, 1.03), 0.08, "not possible here"),
    "slower": ((1.04, 1.06), 0.08, "failed"),
    "faster": ((0.90, 0.92), 0.08, "failed"),
}


@pytest.mark.parametrize("case", SAME)
def test_an_operator_must_be_the_same_as_itself(change, floor, case):
    bounds, relative, outcome = SAME[case]
    found = judge_same(change(*bounds), floor(relative))
    assert found.outcome == outcome
    assert f"({100 * (bounds[0] - 1):+.1f} % to +" in found.text or bounds[1] < 1


def test_what_is_graded_C_is_no_failure_of_the_harness(change, floor):
    found = change(1.04, 1.06)
    others = Contention(own_cores=1.0, other_cores=1.5, stolen_cores=0.0)
    busy = replace(found.before, latency=replace(found.before.latency, contention=others))
    judged = judge_same(replace(found, before=busy), floor(0.01))
    assert judged.outcome == "not possible here"
    assert "other programs used 1.5 cores" in judged.text


SLOWED = {  # interval of the ratio, resolution floor, outcome
    "slower": (1.04, 1.06, 0.01, "passed"),
    "slower on a machine that shows so little by luck": (1.04, 1.06, 0.5, "passed"),
    "cannot tell on a machine that should": (1.01, 1.06, 0.02, "failed"),
    "cannot tell on a machine that cannot": (1.01, 1.06, 0.08, "not possible here"),
    "same": (0.99, 1.01, 0.08, "failed"),
    "faster": (0.90, 0.92, 0.08, "failed"),
}


@pytest.mark.parametrize("case", SLOWED)
def test_a_planted_slow_down_must_be_found_where_it_can(change, floor, case):
    low, high, relative, outcome = SLOWED[case]
    found = judge_slowed(change(low, high), floor(relative))
    assert found.outcome == outcome
    assert ("resolution floor is 8.0 %" in found.text) == (outcome == "not possible here")

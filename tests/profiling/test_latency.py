"""The sampling scheme, with a scripted clock."""

import itertools

import pytest

from attnbench.profiling.latency import measure_latencies
from attnbench.profiling.timer import WallTimer
from attnbench.spec import Protocol


class FakeTimer:
    """Each call takes the next of its scripted durations; its clock moves by nothing else."""

    def __init__(self, **durations):
        self.clock = 0.0
        self.durations = {name: itertools.cycle(values) for name, values in durations.items()}
        self.order = []

    def calls(self):
        return {name: (lambda name=name: name) for name in self.durations}

    def time_call(self, call):
        name = call()
        self.order.append(name)
        seconds = next(self.durations[name])
        self.clock += seconds
        return seconds

    def now(self):
        return self.clock


def measure(timer, **protocol):
    settings = {"warmup_s": 0.0, "min_samples": 30, "precision": 0.02, "time_budget_s": 1e9}
    protocol = Protocol(**{**settings, **protocol})
    return measure_latencies(timer.calls(), protocol, timer, rounds_with="group")


def test_a_steady_call_stops_at_the_least_number_of_samples():
    latency = measure(FakeTimer(a=[2.0]))["a"]
    assert latency.samples_s == (2.0,) * 30
    assert latency.stopped_by == "precision"
    assert latency.median_s == 2.0


def test_a_noisy_call_is_sampled_until_its_median_is_known():
    spread = [1.0 + 0.1 * ((7 * i) % 11) / 11 for i in range(11)]
    latency = measure(FakeTimer(a=spread))["a"]
    low, high = latency.interval_s
    assert len(latency.samples_s) > 30
    assert high - low <= 0.02 * latency.median_s


def test_the_budget_ends_what_precision_does_not():
    latency = measure(FakeTimer(a=[1.0, 3.0]), time_budget_s=100)["a"]
    assert latency.stopped_by == "time_budget"
    assert sum(latency.samples_s) == 100


def test_a_call_longer_than_the_budget_still_gives_a_sample():
    latency = measure(FakeTimer(a=[50.0]), time_budget_s=10)["a"]
    assert latency.samples_s == (50.0,)
    assert latency.interval_s is None


def test_candidates_are_sampled_in_turn_in_alternating_order():
    timer = FakeTimer(a=[1.0], b=[2.0], c=[3.0])
    latencies = measure(timer)
    rounds = timer.order[6:]  # two warm-up calls each came before
    assert rounds[:9] == ["a", "b", "c", "c", "b", "a", "a", "b", "c"]
    assert {len(latency.samples_s) for latency in latencies.values()} == {30}
    assert {latency.rounds_with for latency in latencies.values()} == {"group"}


def test_warm_up_lasts_its_time_and_at_least_two_calls():
    timer = FakeTimer(a=[0.5])
    measure(timer, warmup_s=2.0)
    assert len(timer.order) == 4 + 30
    timer = FakeTimer(a=[100.0])
    measure(timer, warmup_s=2.0)
    assert len(timer.order) == 2 + 30


def test_no_sample_is_thrown_away():
    outlier = [1.0] * 29 + [40.0]
    latency = measure(FakeTimer(a=outlier), warmup_s=0.0)["a"]
    assert 40.0 in latency.samples_s
    assert latency.median_s == 1.0


def test_progress_is_told_round_by_round():
    timer, seen = FakeTimer(a=[1.0]), []
    protocol = Protocol(warmup_s=0, min_samples=3, precision=0.5, time_budget_s=3)
    measure_latencies(timer.calls(), protocol, timer, rounds_with="", on_round=seen.append)
    assert seen == [1, 2, 3]


def test_the_wall_clock_measures_a_busy_wait():
    timer = WallTimer()

    def wait(seconds=0.02):
        end = timer.now() + seconds
        while timer.now() < end:
            pass

    assert timer.time_call(wait) == pytest.approx(0.02, rel=0.5)

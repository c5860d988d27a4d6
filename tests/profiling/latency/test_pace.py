"""When samples are taken and when sampling ends, by a scripted clock."""

import itertools

import pytest

from attnbench.profiling.latency.observers import Observer
from attnbench.profiling.latency.pace import BLOCK_ROUNDS
from attnbench.profiling.latency.sampling import CallFailedError, measure_latencies
from attnbench.profiling.latency.timer import Sample
from attnbench.records.median import LEAST_SPAN_S
from attnbench.spec import Protocol


class Clock:
    """A call takes the next of some durations; a rest takes its time; nothing else does."""

    cache = "warm"

    def __init__(self, *durations):
        self.time = 0.0
        self.durations = itertools.cycle(durations)
        self.starts = []
        self.rests = []

    def prepare(self):
        pass

    def time_call(self, call):
        call()
        self.starts.append(self.time)
        seconds = next(self.durations)
        self.time += seconds
        return Sample(seconds)

    def rest(self, seconds, call):
        self.rests.append((len(self.starts), self.time))
        self.time += seconds

    def now(self):
        return self.time


class Waits(Observer):
    """Each sample waited for the next of these shares of a second."""

    def __init__(self, *waits):
        self.waits = itertools.cycle(waits)
        self.running = False

    def start(self):
        self.running = True

    def stop(self):
        self.running = False

    def after(self):
        return {"waits_s": next(self.waits)}


def measure(clock, *observers, on_waiting=lambda: None, **protocol):
    protocol = Protocol(**{"warmup_s": 0.0, **protocol})
    return measure_latencies(
        {"a": lambda: None}, protocol, clock, rounds_with="", observers=observers,
        on_waiting=on_waiting,
    )["a"]  # fmt: skip


@pytest.fixture
def beside_others(monkeypatch):
    """As if other programs had used a core meanwhile."""
    from attnbench.profiling.latency import sampling
    from attnbench.records.disturbance import Contention

    busy = Contention(own_cores=1.0, other_cores=1.0, stolen_cores=0.0)
    monkeypatch.setattr(sampling, "contention_between", lambda before, after: busy)


def test_samples_of_a_short_call_are_spread_over_half_a_second_in_blocks():
    clock = Clock(1e-4)
    latency = measure(clock)
    assert latency.stopped_by == "precision"
    assert clock.time >= LEAST_SPAN_S
    assert 100 < len(latency.samples_s) < 200
    assert len(clock.rests) * BLOCK_ROUNDS <= len(latency.samples_s)


@pytest.mark.parametrize(("duration", "calls"), [(7e-5, 5), (1e-3, 2), (5e-3, 1)])
def test_calls_after_a_rest_are_no_samples(duration, calls):
    clock = Clock(duration)
    latency = measure(clock)
    assert len(clock.starts) - len(latency.samples_s) == 2 + calls * len(clock.rests)


def test_the_span_is_no_longer_than_the_budget():
    clock = Clock(1e-4)
    assert measure(clock, time_budget_s=0.2).stopped_by == "time_budget"
    assert 0.2 <= clock.time < 0.25


def test_long_calls_need_no_rest():
    clock = Clock(0.04)
    assert len(measure(clock).samples_s) == 30
    assert clock.rests == []


def test_a_call_of_ten_milliseconds_rests_after_two():
    clock = Clock(0.01)
    measure(clock)
    assert clock.rests[0][0] == 2 + 2


def test_sampling_waits_for_quiet_up_to_three_times_the_budget(beside_others):
    clock, told = Clock(0.1), []
    latency = measure(clock, Waits(0.09), time_budget_s=5, on_waiting=lambda: told.append(1))
    assert sum(latency.samples_s) == pytest.approx(15, abs=0.2)
    assert latency.stopped_by == "time_budget"
    assert latency.waited_s == pytest.approx(10, abs=0.3)
    assert len(told) == pytest.approx(100, abs=3)
    assert latency.is_disturbed


def test_waiting_ends_when_enough_samples_are_undisturbed(beside_others):
    clock = Clock(0.1)
    latency = measure(clock, Waits(*[0.09] * 90, *[0.0] * 1000), time_budget_s=5)
    assert 30 <= len(latency.undisturbed) < 45
    assert sum(latency.samples_s) < 15
    assert not latency.is_disturbed


def test_a_quiet_call_never_waits(beside_others):
    latency = measure(Clock(0.1, 0.3), Waits(0.0), time_budget_s=5)
    assert sum(latency.samples_s) == pytest.approx(5, abs=0.5)
    assert latency.waited_s is None


def test_precision_is_that_of_the_undisturbed_samples(beside_others):
    durations = [0.1] * 7 + [0.5] * 3
    latency = measure(Clock(*durations), Waits(*[0.0] * 7, *[0.4] * 3), time_budget_s=100)
    assert latency.stopped_by == "precision"
    assert latency.median_s == 0.1


def test_a_call_before_which_the_core_was_lost_is_no_sample():
    class Interrupted(Observer):
        answers = itertools.cycle([False, True])

        def before(self):
            return next(self.answers)

    clock = Clock(0.1)
    assert len(measure(clock, Interrupted(), time_budget_s=99).samples_s) == 30
    assert len(clock.starts) == 2 + 2 * 30


def test_a_machine_that_is_never_ready_is_measured_all_the_same():
    class Never(Observer):
        def before(self):
            return False

    clock = Clock(0.1)
    assert len(measure(clock, Never(), time_budget_s=99).samples_s) == 30
    assert len(clock.starts) == 2 + 3 * 30


def test_observers_are_stopped_when_a_call_fails():
    observer = Waits(0.0)
    calls = itertools.count()

    def worn_out():
        if next(calls) == 5:
            raise ValueError("worn out")

    with pytest.raises(CallFailedError):
        measure_latencies({"a": worn_out}, Protocol(warmup_s=0), Clock(0.1), rounds_with="",
                          observers=[observer])  # fmt: skip
    assert not observer.running


def test_what_is_stored_beside_a_sample_has_four_digits(beside_others):
    assert measure(Clock(1.0), Waits(0.0123456)).waits_s[0] == 0.01235

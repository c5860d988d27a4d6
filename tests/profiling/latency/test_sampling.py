"""The sampling scheme, with a scripted clock."""

import itertools

import pytest
import torch

import attnbench.profiling.latency.timer as timer_module
from attnbench.profiling.latency.sampling import CallFailedError, measure_latencies
from attnbench.profiling.latency.timer import Sample, WallTimer
from attnbench.records.latency import Clocks
from attnbench.spec import Protocol


class FakeTimer:
    """Each call takes the next of its scripted durations; its clock moves by nothing else."""

    cache = "warm"

    def __init__(self, **durations):
        self.clock = 0.0
        self.durations = {name: itertools.cycle(values) for name, values in durations.items()}
        self.order = []

    def calls(self):
        return {name: (lambda name=name: name) for name in self.durations}

    def prepare(self):
        pass

    def rest(self, seconds, call):
        self.clock += seconds

    def time_call(self, call):
        name = call()
        self.order.append(name)
        seconds = next(self.durations[name])
        self.clock += seconds
        return Sample(seconds)

    def now(self):
        return self.clock


def measure(timer, **protocol):
    settings = {"warmup_s": 0.0, "min_samples": 30, "precision": 0.02, "time_budget_s": 86_400.0}
    protocol = Protocol(**{**settings, **protocol})
    return measure_latencies(timer.calls(), protocol, timer, rounds_with="group", observers=())


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


def test_the_budget_is_that_of_each_candidate():
    latencies = measure(FakeTimer(a=[1.0, 3.0], b=[1.0, 3.0]), time_budget_s=100)
    assert sum(latencies["a"].samples_s) + sum(latencies["b"].samples_s) == 200
    assert {latency.stopped_by for latency in latencies.values()} == {"time_budget"}


def test_warm_up_lasts_its_time_and_at_least_two_calls():
    timer = FakeTimer(a=[0.5])
    latency = measure(timer, warmup_s=10.0)["a"]
    assert len(timer.order) == 20 + 30
    assert (latency.warmup_s, latency.settled) == (10.0, True)
    timer = FakeTimer(a=[100.0])
    latency = measure(timer, warmup_s=2.0)["a"]
    assert len(timer.order) == 2 + 30
    assert latency.settled is None  # two calls tell nothing


def warm_up_of(*durations, warmup_s):
    """Calls before sampling of a call that gets faster, or does not."""
    timer = FakeTimer(a=durations)
    latency = measure(timer, warmup_s=warmup_s, min_samples=1, precision=100, time_budget_s=1e-9)
    return len(timer.order) - 1, latency["a"]


def test_warm_up_goes_on_until_the_calls_are_steady():
    falling = [4.0 - 0.1 * i for i in range(30)]
    calls, latency = warm_up_of(*falling, *[1.0] * 1000, warmup_s=30.0)
    assert calls > 30
    assert latency.settled is True
    assert latency.warmup_s < 5 * 30.0


def test_warm_up_ends_where_calls_never_become_steady():
    doubling = [1.05**i for i in range(200)]
    _, latency = warm_up_of(*doubling, warmup_s=100.0)
    assert latency.settled is False
    assert 5 * 100.0 <= latency.warmup_s < 7 * 100.0


def test_a_fresh_input_is_prepared_before_each_call():
    timer, prepared = FakeTimer(a=[1.0], b=[1.0]), []
    protocol = Protocol(warmup_s=0, min_samples=3, precision=0.5, time_budget_s=2)
    measure_latencies(timer.calls(), protocol, timer, rounds_with="", prepare=prepared.append)
    assert prepared == timer.order


def test_a_call_that_raises_is_named():
    def explode():
        raise ValueError("worn out")

    timer = FakeTimer(a=[1.0])
    with pytest.raises(CallFailedError) as failed:
        measure_latencies({**timer.calls(), "b": explode}, Protocol(), timer, rounds_with="group")
    assert failed.value.name == "b"
    assert str(failed.value.error) == "worn out"


def test_the_host_s_time_stands_beside_the_device_s():
    timer = FakeTimer(a=[2.0])
    timer.time_call = lambda call: Sample(2.0, 1.9)
    timer.now = itertools.count().__next__
    latency = measure(timer)["a"]
    assert latency.host_samples_s == (1.9,) * len(latency.samples_s)
    assert latency.host_s == 1.9
    assert latency.is_launch_bound


def test_what_a_watch_saw_is_kept():
    seen = Clocks(first_mhz=3, last_mhz=2, lowest_mhz=1)

    class Scripted:
        looks = 0

        def start(self):
            assert self.looks == 0

        def look(self):
            self.looks += 1

        def finish(self):
            return seen

    timer, watch = FakeTimer(a=[1.0]), Scripted()
    latencies = measure_latencies(timer.calls(), Protocol(warmup_s=0, time_budget_s=99), timer,
                                  rounds_with="", watch=watch)  # fmt: skip
    assert latencies["a"].clocks is seen
    assert watch.looks == len(latencies["a"].samples_s)


def test_no_sample_is_thrown_away():
    outlier = [1.0] * 29 + [40.0]
    latency = measure(FakeTimer(a=outlier), warmup_s=0.0)["a"]
    assert 40.0 in latency.samples_s
    assert latency.median_s == 1.0


def test_progress_is_told_round_by_round():
    timer, seen = FakeTimer(a=[1.0]), []
    protocol = Protocol(warmup_s=0, min_samples=3, precision=0.5, time_budget_s=3)
    measure_latencies(timer.calls(), protocol, timer, rounds_with="", on_round=seen.append)
    assert seen == [0, 0, 0, 1, 2]  # two calls of warm-up, and three rounds


@pytest.mark.parametrize("cache", ["warm", "cold"])
def test_the_wall_clock_measures_the_call_and_nothing_beside_it(cache):
    timer, waited = WallTimer(cache), []

    def wait(seconds=0.005):
        began = timer.now()
        while timer.now() < began + seconds:
            pass
        waited.append(timer.now() - began)

    began = timer.now()
    found = timer.time_call(wait).work_s
    around = timer.now() - began
    assert timer.cache == cache
    assert len(waited) == 1
    assert waited[0] <= found <= around


@pytest.mark.parametrize(("text", "size"), [("32K\n", 2**15), ("300M", 300 * 2**20), ("7", 7)])
def test_the_size_of_the_largest_cache_is_read_from_the_kernel(tmp_path, monkeypatch, text, size):
    monkeypatch.setattr(timer_module, "CPU_CACHES", tmp_path)
    assert timer_module.cpu_cache_bytes() == timer_module.UNKNOWN_CACHE_BYTES
    for index, content in enumerate(("1", text)):
        (tmp_path / f"index{index}").mkdir()
        (tmp_path / f"index{index}" / "size").write_text(content)
    assert timer_module.cpu_cache_bytes() == size


@pytest.mark.gpu
@pytest.mark.parametrize("cache", ["warm", "cold"])
def test_a_gpu_s_time_grows_with_its_work_and_the_host_s_does_not(cache):
    timer = timer_module.timer_for(torch.device("cuda"), cache)
    x = torch.randn(4096, 4096, device="cuda")
    one, four = (lambda: x @ x), (lambda: [x @ x for _ in range(4)])
    latencies = measure_latencies({1: one, 4: four}, Protocol(), timer, rounds_with="group")
    assert latencies[4].median_s == pytest.approx(4 * latencies[1].median_s, rel=0.2)
    assert latencies[4].host_s < latencies[4].median_s
    assert latencies[1].cache == cache

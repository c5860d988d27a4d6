"""Planted slow-downs and the resolution floor, from scripted samples and from calls of our own."""

from dataclasses import replace
from functools import partial
from itertools import permutations

import pytest
import torch

from attnbench.analysis.compare.verdict import Thresholds, compare_cell
from attnbench.doctor import selftest
from attnbench.doctor.selftest import (
    HALF_WAY,
    LAYER,
    PLANTED,
    REPEATS,
    Stand,
    compare_same,
    compare_slowed,
    resolution,
    spin,
    stand_on,
)
from attnbench.profiling.latency.timer import Sample, timer_for
from attnbench.records import Environment, LayerRecord
from attnbench.records.latency import Latency
from attnbench.spec import Protocol

CPU = Environment(
    device="cpu", device_name="Test CPU", threads=1, torch="2.15.0", cuda="", python="3.12",
    platform="Linux", attnbench="0.1.0", code="abc",
)  # fmt: skip
SHORT = Protocol(warmup_s=0.0, min_samples=30, precision=0.01, time_budget_s=0.1)


def stand(call):
    device = torch.device("cpu")
    return Stand(workload=LAYER, call=call, device=device, timer=timer_for(device), environment=CPU)


def between(low_s, high_s):
    """Six samples, whose interval of the median is exactly their range."""
    step = (high_s - low_s) / 5
    return Latency(samples_s=tuple(low_s + step * i for i in range(6)), stopped_by="precision")


def test_the_slower_operator_does_exactly_5_percent_more():
    calls = []
    scripted = stand(lambda: calls.append(1))
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

    def time_call(self, call):
        start = self.clock
        call()
        return Sample(self.clock - start)

    def now(self):
        return self.clock


def test_twice_the_work_is_slower_and_the_same_work_is_not():
    timer = CountingTimer()
    busy = replace(stand(timer.work), timer=timer)
    assert busy.compare(2 * REPEATS, SHORT).verdict == "slower"
    assert busy.compare(REPEATS // 2, SHORT).verdict == "faster"
    assert compare_same(busy, SHORT).verdict == "same"
    assert compare_slowed(busy, SHORT).verdict == "slower"


def test_two_operators_are_sampled_in_turn_and_one_alone_is_not():
    busy = stand(partial(spin, 1e-5))
    change = busy.compare(REPEATS, SHORT)
    assert change.ratio.paired
    assert change.before.latency.rounds_with == change.after.latency.rounds_with != ""
    assert busy.alone(SHORT).latency.rounds_with == ""


@pytest.mark.parametrize(
    ("apart", "in_turn", "expected"),
    [
        ([], [], 0.0),
        ([(1.0, 1.0), (1.0, 1.0)], [], 0.0),
        ([(1.0, 1.0), (1.5, 1.5)], [], 0.5),
        ([(1.0, 1.25), (1.0, 1.0)], [], 0.25),  # equal medians that are not known well
        ([(1.0, 1.0), (1.25, 1.5), (1.25, 1.25)], [], 0.5),
        ([(1.0, 1.0), (1.25, 1.25)], [(0.5, 1.1)], 1.0),
        ([(1.0, 1.0)], [(0.8, 1.75)], 0.75),
    ],
)
def test_the_floor_is_the_furthest_bound_from_1_as_a_factor(apart, in_turn, expected):
    latencies = [between(*bounds) for bounds in apart]
    assert resolution(latencies, in_turn) == pytest.approx(expected)
    mirrored = [(1 / high, 1 / low) for low, high in in_turn]
    assert resolution(latencies[::-1], mirrored) == pytest.approx(expected)


def test_with_the_floor_as_threshold_everything_is_the_same_as_itself():
    runs = [between(1.0, 1.03), between(1.02, 1.05), between(0.99, 1.01)]
    records = [
        LayerRecord(workload=LAYER, environment=CPU, created="", latency=latency)
        for latency in runs
    ]

    def verdicts(relative):
        thresholds = Thresholds(relative=relative, absolute_s=0.0)
        return {compare_cell(*pair, thresholds).verdict for pair in permutations(records, 2)}

    floor = resolution(runs, [])
    assert verdicts(floor * 1.0001) == {"same"}
    assert verdicts(floor * 0.99) == {"same", "cannot tell"}


def test_where_samples_are_few_all_that_was_seen_counts():
    few = Latency(samples_s=(1.0, 4.0), stopped_by="time_budget")
    assert resolution([few, between(1.0, 1.0)], []) == 3.0


def test_the_batch_is_doubled_until_the_layer_takes_long_enough(monkeypatch):
    cpu = torch.device("cpu")
    monkeypatch.setattr(
        selftest, "stand_for", lambda work, device: replace(stand(None), workload=work)
    )
    monkeypatch.setattr(selftest, "_glance", lambda stand: 3e-5 * stand.workload.batch)
    assert stand_on(cpu).workload.batch == 4
    monkeypatch.setattr(selftest, "_glance", lambda stand: 0.0)
    assert stand_on(cpu).workload.batch == selftest.LARGEST_BATCH


def test_the_layer_can_be_built_and_timed():
    ready = stand_on(torch.device("cpu"))
    record = ready.alone(replace(SHORT, min_samples=6))
    assert record.workload.attention == "dense"
    assert len(record.latency.samples_s) >= 1

"""The resolution floor, from scripted samples."""

from itertools import permutations

import pytest

from attnbench.analysis.compare.verdict import Thresholds, compare_cell
from attnbench.doctor.resolution_floor import floor_from, judge_floor, resolution
from attnbench.records.disturbance import Contention
from attnbench.records.latency import Latency


def between(low_s, high_s):
    """Six samples, whose interval of the median is exactly their range."""
    step = (high_s - low_s) / 5
    return Latency(samples_s=tuple(low_s + step * i for i in range(6)), stopped_by="precision")


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


def test_with_the_floor_as_threshold_everything_is_the_same_as_itself(record):
    runs = [between(1.0, 1.03), between(1.02, 1.05), between(0.99, 1.01)]
    records = [record(run.samples_s) for run in runs]

    def verdicts(relative):
        thresholds = Thresholds(relative=relative, absolute_s=0.0)
        return {compare_cell(*pair, thresholds).verdict for pair in permutations(records, 2)}

    least = resolution(runs, [])
    assert verdicts(least * 1.0001) == {"same"}
    assert verdicts(least * 0.99) == {"same", "cannot tell"}


def test_where_samples_are_few_all_that_was_seen_counts():
    few = Latency(samples_s=(1.0, 4.0), stopped_by="time_budget")
    assert resolution([few, between(1.0, 1.0)], []) == 3.0


def test_the_floor_holds_runs_apart_and_in_turn_and_the_clock(record, change):
    runs, nothing = [record([1.0] * 6), record([1.25] * 6)], record([1e-7] * 90 + [9e-7] * 10)
    found = floor_from(runs, change(0.99, 1.01), nothing.latency)
    assert (found.relative, found.absolute_s) == (pytest.approx(0.25), 1e-7)
    assert floor_from(runs, change(0.5, 1.01), nothing.latency).relative == pytest.approx(1.0)


def test_a_floor_that_holds_a_disturbance_says_so(record, floor):
    steady = [record([1.0] * 40)] * 2
    assert judge_floor(floor(0.01), steady).outcome == "passed"
    others = Contention(own_cores=1.0, other_cores=1.0, stolen_cores=0.0)
    found = judge_floor(floor(0.01), [*steady, record([1.0] * 40, contention=others)])
    assert found.outcome == "not possible here"
    assert "1 of them are graded C (other programs used 1.0 cores" in found.text

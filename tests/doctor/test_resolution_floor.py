"""The resolution floor, from scripted samples."""

import random

import pytest

from attnbench.doctor.resolution_floor import floor_from, judge_floor, resolution, within
from attnbench.records.disturbance import Contention
from attnbench.records.latency import Latency

OTHERS = Contention(own_cores=1.0, other_cores=1.0, stolen_cores=0.0)
NOTHING = Latency(samples_s=(1e-7,) * 90 + (9e-7,) * 10, stopped_by="precision")


def steady(seconds):
    return Latency(samples_s=(seconds,) * 6, stopped_by="precision")


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ([], 0.0),
        ([1.0] * 20, 0.0),
        ([1.0] * 19 + [9.0], 0.0),  # one comparison in twenty may be as far off as it likes
        ([1.0] * 18 + [1.5, 9.0], 0.5),
        ([1.0] * 18 + [0.5, 9.0], 1.0),  # half as long is as far off as twice as long
    ],
)
def test_95_of_100_comparisons_stay_within_the_floor(ratios, expected):
    assert within(ratios) == pytest.approx(expected)


def test_the_floor_of_known_noise_is_what_95_of_100_new_comparisons_stay_within():
    noise = random.Random(0)
    run = lambda: noise.lognormvariate(0, 0.01)  # noqa: E731
    floors = [resolution([steady(run()) for _ in range(14)]) for _ in range(40)]
    new = [max(r, 1 / r) - 1 for r in (run() / run() for _ in range(500))]
    inside = sum(one <= floor for floor in floors for one in new) / len(new) / len(floors)
    assert inside == pytest.approx(0.95, abs=0.02)


def test_the_order_of_the_runs_does_not_matter():
    runs = [steady(seconds) for seconds in (1.0, 1.25, 1.5)]
    assert resolution(runs) == resolution(runs[::-1]) == pytest.approx(0.5 * 1.5)
    assert resolution(runs[:1]) == resolution([]) == 0.0


def test_runs_that_prove_nothing_set_no_floor(record):
    wild = [record([5.0] * 40, contention=OTHERS)] * 2
    quiet = [record([1.0 + 0.001 * i] * 40) for i in range(7)]
    found = floor_from([*quiet, *wild], NOTHING)
    assert (found.comparisons, found.disturbed) == (21, False)
    assert 0.004 < found.relative < 0.008
    assert found.absolute_s == 1e-7


def test_a_floor_found_beside_other_programs_says_so(record):
    busy = [record([1.0 + 0.1 * i] * 40, contention=OTHERS) for i in range(6)]
    found = floor_from(busy, NOTHING)
    assert found.disturbed
    assert found.relative == pytest.approx(0.5 * 1.25)
    judged = judge_floor(found, busy)
    assert judged.outcome == "not possible here"
    assert "load: other programs use 1.0 of" in judged.text


def test_the_floor_of_a_quiet_machine_passes(record):
    runs = [record([1.0] * 40)] * 14
    judged = judge_floor(floor_from(runs, NOTHING), runs)
    assert judged.outcome == "passed"
    assert judged.text.startswith("95 % of 91 comparisons")

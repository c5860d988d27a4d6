"""Grades from scripted samples: each doubt at each of its thresholds."""

import random

import pytest

from attnbench.records import Contention, Latency
from attnbench.trust import trust_in


def latency(samples, other=0.0, stolen=0.0):
    contention = Contention(own_cores=1.0, other_cores=other, stolen_cores=stolen)
    return Latency(samples_s=tuple(samples), stopped_by="precision", contention=contention)


def spread(width, count=60):
    """Samples around 1 in an order without drift; `width` apart from end to end."""
    samples = [1 - width / 2 + width * i / (count - 1) for i in range(count)]
    random.Random(0).shuffle(samples)
    return samples


def names(trust):
    return [doubt.name for doubt in trust.doubts]


def test_a_steady_cell_on_a_quiet_machine_is_graded_A():
    trust = trust_in(latency(spread(0.01)))
    assert (trust.grade, trust.doubts) == ("A", ())


@pytest.mark.parametrize(("count", "grade"), [(5, "C"), (6, "B"), (29, "B"), (30, "A")])
def test_few_samples(count, grade):
    trust = trust_in(latency([1.0] * count))
    assert trust.grade == grade
    assert names(trust) == ([] if grade == "A" else ["few samples"])


@pytest.mark.parametrize(("width", "grade"), [(0.1, "A"), (0.3, "B"), (0.9, "C")])
def test_wide_interval(width, grade):
    samples = spread(width)
    low, high = latency(samples).interval_s
    trust = trust_in(latency(samples))
    assert trust.grade == grade
    assert grade == ("A" if high - low <= 0.05 else "B" if high - low <= 0.15 else "C")


@pytest.mark.parametrize(
    ("other", "stolen", "grade"),
    [(0.05, 0.0, "A"), (0.2, 0.0, "B"), (0.0, 0.2, "B"), (0.4, 0.2, "C"), (1.0, 0.0, "C")],
)
def test_contention_counts_what_others_and_the_hypervisor_took(other, stolen, grade):
    trust = trust_in(latency([1.0] * 40, other, stolen))
    assert trust.grade == grade
    assert names(trust) == ([] if grade == "A" else ["contention"])


def test_records_that_know_nothing_of_contention_are_graded_by_the_rest():
    unknown = Latency(samples_s=(1.0,) * 40, stopped_by="precision")
    assert trust_in(unknown).grade == "A"


@pytest.mark.parametrize(("change", "grade"), [(0.02, "A"), (0.06, "B"), (-0.06, "B"), (0.3, "C")])
def test_drift(change, grade):
    middle = [1.0] * 10
    trust = trust_in(latency([1.0] * 20 + middle + [1.0 + change] * 20))
    assert "drift" in names(trust) or grade == "A"
    assert trust.grade >= grade  # a drift also widens the interval


def test_noise_without_a_trend_is_no_drift():
    samples = random.Random(1)
    noisy = [samples.lognormvariate(0, 0.05) for _ in range(90)]
    assert "drift" not in names(trust_in(latency(noisy)))


def test_the_gravest_doubt_comes_first_and_sets_the_grade():
    trust = trust_in(latency([1.0] * 10, other=1.0))
    assert trust.grade == "C"
    assert names(trust) == ["contention", "few samples"]
    assert all(doubt.advice and doubt.text for doubt in trust.doubts)

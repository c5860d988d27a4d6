"""Grades from scripted samples: each doubt at each of its thresholds."""

import random
from dataclasses import replace

import pytest

from attnbench.records import Environment, LayerRecord
from attnbench.records.disturbance import Contention
from attnbench.records.latency import Clocks, Latency
from attnbench.records.trust import trust_in as trust_in_record
from attnbench.records.trust import trust_in_latency
from attnbench.spec import Workload

CPU = Environment(
    device="cpu", device_name="Test CPU", threads=2, torch="2.15.0", cuda="", python="3.12",
    platform="Linux", attnbench="0.1.0", code="abc",
)  # fmt: skip


def latency(samples, other=0.0, stolen=0.0):
    contention = Contention(own_cores=1.0, other_cores=other, stolen_cores=stolen)
    return Latency(samples_s=tuple(samples), stopped_by="precision", contention=contention)


def trust_in(latency, impl="reference", backend=""):
    workload = Workload(attention="dense", grid=(4, 4), impl=impl)
    return trust_in_record(
        LayerRecord(
            workload=workload, environment=CPU, created="", latency=latency, backend=backend
        )
    )


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


@pytest.mark.parametrize("samples", [spread(0.01), spread(0.2), [1.0] * 5])
def test_a_latency_of_no_cell_is_graded_as_that_of_one(samples):
    alone = latency(samples, other=0.2)
    assert trust_in_latency(alone) == trust_in(alone)


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


def test_calls_that_never_became_steady():
    trust = trust_in(replace(latency([1.0] * 40), settled=False, warmup_s=3.0))
    assert (trust.grade, names(trust)) == ("B", ["unsteady"])
    assert trust_in(replace(latency([1.0] * 40), settled=True)).grade == "A"


@pytest.mark.parametrize(("lowest", "grade"), [(1980, "A"), (1800, "B"), (1500, "C")])
def test_a_clock_that_moved(lowest, grade):
    clocks = Clocks(first_mhz=1980, last_mhz=1980, lowest_mhz=lowest)
    trust = trust_in(replace(latency([1.0] * 40), clocks=clocks))
    assert trust.grade == grade
    assert names(trust) == ([] if grade == "A" else ["clocks"])


def test_a_gpu_that_was_held_down():
    clocks = Clocks(first_mhz=9, last_mhz=9, lowest_mhz=9, throttled_by=("sw thermal slowdown",))
    trust = trust_in(replace(latency([1.0] * 40), clocks=clocks))
    assert (trust.grade, names(trust)) == ("C", ["throttled"])
    assert "sw thermal slowdown" in trust.doubts[0].text


@pytest.mark.parametrize(
    ("impl", "backend", "grade"),
    [
        ("sdpa", "math", "C"),
        ("sdpa", "flash", "A"),
        ("sdpa", "", "A"),
        ("reference", "", "A"),
        ("xformers", "", "A"),
        ("flex", "math", "A"),  # of which nothing was promised
        ("sdpa-flash", "flash", "A"),
        ("sdpa-flash", "flash (cpu)", "A"),
        ("sdpa-flash", "math", "C"),
        ("sdpa-flash", "efficient", "C"),
        ("sdpa-flash", "efficient, flash", "C"),
        ("sdpa-efficient", "efficient", "A"),
        ("sdpa-cudnn", "flash", "C"),
        ("sdpa-math", "math", "A"),
        ("sdpa-math", "flash (cpu)", "C"),
    ],
)
def test_a_kernel_other_than_asked(impl, backend, grade):
    trust = trust_in(latency([1.0] * 40), impl, backend)
    assert trust.grade == grade
    assert names(trust) == ([] if grade == "A" else ["other kernel"])


@pytest.mark.parametrize(
    ("impl", "backend", "text"),
    [
        ("sdpa", "math", "torch used its unfused path (math) instead of its fused attention"),
        ("sdpa-flash", "math", "torch used its unfused path (math) instead of its flash attention"),
        ("sdpa-cudnn", "flash", "torch used flash instead of its cudnn attention"),
    ],
)
def test_the_kernel_that_was_taken_is_named(impl, backend, text):
    (doubt,) = trust_in(latency([1.0] * 40), impl, backend).doubts
    assert doubt.text == text

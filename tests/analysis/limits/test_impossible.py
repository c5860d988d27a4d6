"""A latency that the machine cannot reach for the counted work is not to be quoted."""

from dataclasses import replace

import pytest
from record_builders import macs_of

from attnbench.analysis.limits.impossible import trust_beside
from attnbench.analysis.limits.roofline import Ceilings
from attnbench.records.latency import Latency
from attnbench.records.trust import trust_in


@pytest.fixture
def took(layer):
    """A layer of a million MACs that takes so many seconds, without other doubts."""

    def build(seconds, mode="forward", **environment):
        record = layer()
        return replace(
            record,
            workload=replace(record.workload, mode=mode),
            macs=macs_of(10**6),
            latency=Latency(samples_s=(seconds,) * 40, stopped_by="precision", span_s=1.0),
            environment=replace(record.environment, **environment),
        )

    return build


def doubts(trust):
    return [doubt.name for doubt in trust.doubts]


@pytest.mark.parametrize(
    ("seconds", "grade"), [(1e-3, "A"), (0.92e-3, "A"), (0.9e-3, "C"), (1e-5, "C")]
)
def test_a_tenth_beyond_the_measured_limit_is_noise_and_more_is_not(took, ceilings, seconds, grade):
    trust = trust_beside(took(seconds), Ceilings(ceilings(macs_per_s=1e9)))
    assert trust.grade == grade
    assert ("faster than the machine" in doubts(trust)) == (grade == "C")


def test_the_work_is_that_of_the_timed_mode(took, ceilings):
    limits = Ceilings(ceilings(macs_per_s=1e9))
    assert trust_beside(took(2.9e-3, "forward+backward"), limits).grade == "A"
    assert trust_beside(took(2.5e-3, "forward+backward"), limits).grade == "C"
    assert trust_beside(took(1.9e-3, "backward"), limits).grade == "A"


def test_without_measured_limits_there_are_those_that_no_machine_reaches(took):
    assert trust_in(took(1e-5)) == trust_beside(took(1e-5), Ceilings())
    assert trust_in(took(1e-5)).grade == "A"  # 0.1e12 a second in two threads
    (doubt,) = trust_in(took(1e-6)).doubts
    assert (doubt.name, doubt.grade) == ("faster than the machine", "C")
    assert "any machine of this kind" in doubt.text
    assert trust_in(took(1e-6, device="cuda")).grade == "A"


def test_the_doubt_is_told_once_with_the_measured_limit(took, ceilings):
    (doubt,) = trust_beside(took(1e-6), Ceilings(ceilings(macs_per_s=1e9))).doubts
    assert "1.1e+09" in doubt.text


def test_without_counts_nothing_is_impossible(took, ceilings):
    record = replace(took(1e-9), macs=None)
    assert trust_beside(record, Ceilings(ceilings())).grade == "A"

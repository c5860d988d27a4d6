"""Which samples count as disturbed, from scripted observations."""

from dataclasses import replace

import pytest
from record_builders import memoryless

from attnbench.records.disturbance import Contention, Observed, are_enough
from attnbench.records.latency import Latency, paired_samples, speed_up
from attnbench.records.trust import trust_in_latency

BUSY = Contention(own_cores=1.0, other_cores=1.0, stolen_cores=0.0)
ALONE = Contention(own_cores=1.0, other_cores=0.0, stolen_cores=0.0)


def undisturbed(**columns):
    count = len(next(iter(columns.values())))
    contention = columns.pop("contention", BUSY)
    return Observed(samples_s=(1.0,) * count, contention=contention, **columns).undisturbed()


def latency(samples, **columns):
    columns = {"contention": BUSY, **columns}
    return Latency(samples_s=tuple(samples), stopped_by="time_budget", **columns)


def test_a_sample_that_waited_for_a_core_is_disturbed():
    assert undisturbed(waits_s=(0.0, 0.01, 0.03, 0.5)) == (0, 1)
    assert undisturbed(waits_s=(0.3, 0.2, 0.4, 0.5)) == ()


def test_threads_that_have_to_be_woken_disturb_nobody():
    def of(samples_s, *waits_s):
        observed = Observed(samples_s=(samples_s,) * len(waits_s), waits_s=waits_s, contention=BUSY)
        return observed.undisturbed()

    assert of(0.02, 5e-4, 6e-4, 4e-4, 2e-3) == (0, 1, 2)  # parallel regions in a long call
    assert of(5e-5, 2e-5, 2e-5, 3e-5, 3e-5) == (0, 1, 2, 3)
    assert of(0.02, 5e-3, 6e-3, 4e-3, 2e-3) == ()  # that is no waking


def test_a_short_sample_after_one_that_waited_found_cold_caches():
    waits = (0.0, 0.5, 0.0, 0.0)
    short = Observed(samples_s=(1e-3,) * 4, waits_s=tuple(1e-3 * w for w in waits), contention=BUSY)
    assert short.undisturbed() == (0, 3)
    assert undisturbed(waits_s=waits) == (0, 2, 3)  # a second is long


def test_the_hypervisor_is_somebody_else():
    stolen = Contention(own_cores=1.0, other_cores=0.0, stolen_cores=1.0)
    assert undisturbed(waits_s=(0.5, 0.0, 0.5), contention=stolen) == (1,)


def test_threads_that_wait_for_each_other_disturb_nobody():
    waits = (0.5, 0.52, 0.48, 0.5, 3.0)
    assert undisturbed(waits_s=waits, contention=ALONE) == (0, 1, 2, 3)
    assert undisturbed(waits_s=waits, contention=BUSY) == ()


def test_a_sample_beside_a_slow_canary_is_disturbed():
    assert undisturbed(canary_s=(1.0, 1.9, 2.1, 9.0, 1.1)) == (0, 1, 4)


def test_where_waits_are_not_known_a_lost_core_shows_in_the_processor_time():
    cpu = (2.0, 2.0, 1.0, 1.0, 1.9, 2.0)
    assert undisturbed(cpu_samples_s=cpu) == (0, 1, 4, 5)
    switches = (0, 1, 1, 0, 0, 1)  # the fourth slept of its own accord
    assert undisturbed(cpu_samples_s=cpu, switches=switches) == (0, 1, 3, 4, 5)


def test_a_call_that_sleeps_is_not_disturbed_where_waits_are_known():
    sleepy = {"cpu_samples_s": (1.0, 0.1, 1.0), "switches": (0, 1, 0), "waits_s": (0.0,) * 3}
    assert undisturbed(**sleepy) == (0, 1, 2)


def test_where_nothing_is_known_nothing_is_left_out():
    plain = latency([1.0, 5.0, 1.0])
    assert not plain.is_observed
    assert (plain.undisturbed, plain.used_s) == ((0, 1, 2), plain.samples_s)


def test_statistics_leave_disturbed_samples_out_and_keep_the_rest_in_order():
    samples = [*memoryless(1.0 + 0.001 * i for i in range(40)), *[9.0] * 30]
    found = latency(samples, waits_s=(0.0,) * 40 + (8.0,) * 30)
    assert found.samples_s == tuple(samples)
    assert found.used_s == tuple(samples[:40])
    assert found.median_s == pytest.approx(1.0195)
    assert found.interval_s[1] < 1.1
    assert trust_in_latency(found).grade == "B"  # for contention


def test_where_too_few_are_undisturbed_all_count_and_the_grade_is_C():
    found = latency([1.0] * 7 + [9.0] * 53, waits_s=(0.0,) * 7 + (8.0,) * 53)
    assert found.is_disturbed
    assert found.used_s == found.samples_s
    doubt = next(d for d in trust_in_latency(found).doubts if d.name == "disturbed")
    assert doubt.grade == "C"
    assert doubt.text == "only 7 of 60 samples were undisturbed by other programs"


@pytest.mark.parametrize(
    ("undisturbed", "of", "enough"),
    [(10, 1000, True), (9, 1000, False), (1, 2, True), (0, 2, False), (4, 8, True), (3, 8, False)],
)
def test_enough_is_ten_or_half(undisturbed, of, enough):
    assert are_enough(undisturbed, of) == enough


def test_a_machine_without_room_is_no_place_to_measure():
    for cores, grade in ((None, "B"), (2, "B"), (1, "C")):
        contention = replace(BUSY, machine_cores=cores)
        found = latency([1.0] * 60, waits_s=(0.0,) * 60, contention=contention)
        assert trust_in_latency(found).grade == grade


def test_a_minority_of_undisturbed_samples_is_a_doubt():
    found = latency([1.0] * 100, waits_s=(0.0,) * 30 + (0.5,) * 70)
    doubts = {doubt.name: doubt.grade for doubt in trust_in_latency(found).doubts}
    assert doubts == {"contention": "B", "disturbed": "B"}


def test_a_record_without_observations_is_graded_by_who_used_the_processor():
    assert trust_in_latency(latency([1.0] * 60)).grade == "C"


def test_a_round_counts_if_nobody_disturbed_either_side():
    one = latency([1.0] * 20 + [8.0] * 10, waits_s=(0.0,) * 20 + (7.0,) * 10, rounds_with="r")
    two = latency([8.0] * 5 + [2.0] * 25, waits_s=(7.0,) * 5 + (0.0,) * 25, rounds_with="r")
    assert paired_samples(one, two) == [(1.0, 2.0)] * 15
    assert speed_up(two, one).value == 2.0
    never = replace(two, waits_s=(7.0,) * 30)
    assert len(paired_samples(one, never)) == 30


def test_a_gpu_does_not_care_who_disturbs_a_host_that_it_does_not_wait_for():
    waits = {"waits_s": (0.0,) * 20 + (0.5,) * 10}
    launched = latency([1.0] * 30, host_samples_s=(0.1,) * 30, **waits)
    assert len(launched.undisturbed) == 30
    bound = latency([1.0] * 30, host_samples_s=(0.95,) * 30, **waits)
    assert len(bound.undisturbed) == 20


def test_a_column_has_a_value_for_each_sample():
    with pytest.raises(ValueError, match="beside each sample"):
        latency([1.0] * 3, waits_s=(0.0,))

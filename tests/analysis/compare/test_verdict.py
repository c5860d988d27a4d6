"""The verdict on a pair of cells, and on whole results."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from record_builders import memoryless

from attnbench.analysis.compare.pairs import Side
from attnbench.analysis.compare.verdict import (
    Thresholds,
    compare,
    compare_cell,
    compare_memory,
    judge,
)
from attnbench.errors import UserError
from attnbench.records import Floor, Memory
from attnbench.records.latency import Latency

DEFAULT = Thresholds()
OPPOSITE = {
    "faster": "slower", "slower": "faster", "broken": "repaired", "repaired": "broken",
    "more": "less", "less": "more",
}  # fmt: skip


def between(low_s, high_s):
    """Six samples, whose interval of the median is exactly their range."""
    return Latency(
        samples_s=memoryless(low_s + (high_s - low_s) * i / 5 for i in range(6)),
        stopped_by="precision",
        span_s=1.0,
    )


def with_floor(record, relative):
    return replace(record, floor=Floor(relative=relative, absolute_s=0.0, created=""))


def compared(before, after, **options):
    return compare(Side(name="A", records=before), Side(name="B", records=after), **options)


def verdicts(before, after, **options):
    return [change.verdict for change in compared(before, after, **options).changes]


RULE = {  # before, lowest and highest after, in µs; the thresholds are 5 % and 30 µs
    "beyond both": (1000, 1060, 1100, "slower"),
    "beyond both at once": (100, 135, 140, "slower"),
    "over the relative one": (1000, 1040, 1100, "cannot tell"),
    "over the absolute one": (100, 120, 140, "cannot tell"),
    "within both": (1000, 990, 1020, "same"),
    "within the relative one, beyond the absolute": (1000, 1035, 1045, "same"),
    "within the absolute one, beyond the relative": (100, 110, 120, "same"),
    "over the relative one, within the absolute": (100, 103, 110, "same"),
    "anywhere": (1000, 900, 1100, "cannot tell"),
    "below both": (1000, 900, 940, "faster"),
    "over the lower relative one": (1000, 940, 960, "cannot tell"),
    "over the lower absolute one": (100, 60, 80, "cannot tell"),
}


@pytest.mark.parametrize("case", RULE)
def test_the_rule_and_its_mirror_image(case, layer):
    base_us, low_us, high_us, expected = RULE[case]
    known = with_floor(layer(), 0.0)
    before = replace(known, latency=between(base_us * 1e-6, base_us * 1e-6))
    after = replace(known, latency=between(low_us * 1e-6, high_us * 1e-6))
    assert compare_cell(before, after, DEFAULT).verdict == expected
    mirrored = compare_cell(after, before, DEFAULT).verdict
    assert mirrored == OPPOSITE.get(expected, expected)


def test_the_noise_of_both_sides_counts(layer):
    before = replace(layer(), latency=between(0.95e-3, 1.05e-3))
    after = replace(layer(), latency=between(1.06e-3, 1.16e-3))
    change = compare_cell(before, after, DEFAULT)
    assert change.verdict == "cannot tell"
    assert change.ratio.interval == pytest.approx((1.06 / 1.05, 1.16 / 0.95))
    assert change.difference_s == pytest.approx((0.01e-3, 0.21e-3))


def test_a_bound_on_a_threshold_is_within_it():
    thresholds = Thresholds(relative=0.5, absolute_s=1.0)
    assert judge((1.5, 1.6), (2.0, 3.0), thresholds)[0] == "cannot tell"
    assert judge((1.0, 1.5), (2.0, 3.0), thresholds)[0] == "same"
    assert judge((1.6, 1.7), (1.0, 1.5), thresholds)[0] == "cannot tell"


def test_thresholds_of_zero_leave_the_intervals_alone():
    zero = Thresholds(relative=0, absolute_s=0)
    assert judge((1.001, 1.002), (1e-9, 2e-9), zero)[0] == "slower"
    assert judge((0.999, 1.001), (-1e-9, 1e-9), zero)[0] == "cannot tell"


FLOORS = {  # interval of the ratio, floor, verdict at a threshold of 5 %, how its reason begins
    "beyond the floor": ((1.09, 1.12), 0.08, "slower", ""),
    "between the threshold and the floor": ((1.06, 1.07), 0.08, "cannot tell", "below this"),
    "up to the floor": ((1.06, 1.08), 0.08, "cannot tell", "below this machine's"),
    "over the floor": ((1.06, 1.12), 0.08, "cannot tell", "the interval extends below this"),
    "over the threshold": ((1.04, 1.06), 0.08, "cannot tell", "the interval crosses a"),
    "within the threshold": ((0.99, 1.03), 0.08, "same", ""),
    "a floor below the threshold": ((1.06, 1.07), 0.02, "slower", ""),
    "a floor at the threshold": ((1.06, 1.07), 0.05, "slower", ""),
}


@pytest.mark.parametrize("case", FLOORS)
def test_no_change_under_the_floor_is_called_slower_or_faster(case):
    ratio, floor, expected, reason = FLOORS[case]
    thresholds = Thresholds(relative=0.05, absolute_s=0)
    verdict, text = judge(ratio, (ratio[0] - 1, ratio[1] - 1), thresholds, floor)
    assert verdict == expected
    assert text.startswith(reason)
    mirrored = (1 / ratio[1], 1 / ratio[0])
    verdict, text = judge(mirrored, (mirrored[0] - 1, mirrored[1] - 1), thresholds, floor)
    assert verdict == OPPOSITE.get(expected, expected)
    assert text.startswith(reason)


def test_the_larger_floor_of_both_records_holds(layer):
    before, after = layer(), replace(layer(), latency=between(1.2e-3, 1.2e-3))
    before = replace(before, latency=between(1e-3, 1e-3))
    assert compare_cell(before, after, DEFAULT).floor is None
    for sides in ((0.3, 0.1), (0.1, 0.3)):
        old, new = (with_floor(r, f) for r, f in zip((before, after), sides, strict=True))
        change = compare_cell(old, new, DEFAULT)
        assert (change.verdict, change.floor) == ("cannot tell", 0.3)
        assert change.reason == (
            "below this machine's resolution floor of 30.0 % (attnbench doctor)"
        )
    one_side = compare_cell(before, with_floor(after, 0.1), DEFAULT)
    assert (one_side.verdict, one_side.floor) == ("slower", 0.1)


def test_too_few_samples_cannot_tell_and_say_so(layer):
    few = Latency(samples_s=(1e-3,) * 5, stopped_by="time_budget")
    change = compare_cell(layer(), replace(layer(), latency=few), DEFAULT)
    assert (change.verdict, change.reason) == ("cannot tell", "after is graded C (5 samples)")
    itself = compare_cell(change.after, change.after, DEFAULT)
    assert itself.verdict == "cannot tell"
    assert itself.reason == "before is graded C (5 samples), after is graded C (5 samples)"


def test_a_round_in_common_is_compared_sample_by_sample(layer):
    drift = memoryless(1e-3 * (1 + 0.007 * i) for i in range(10))
    before = Latency(samples_s=drift, stopped_by="precision", rounds_with="r", span_s=1.0)
    after = replace(before, samples_s=tuple(1.2 * sample for sample in drift))
    paired = compare_cell(
        replace(layer(), latency=before), replace(layer(), latency=after), DEFAULT
    )
    assert paired.verdict == "slower"
    assert paired.ratio.paired
    assert paired.ratio.interval == pytest.approx((1.2, 1.2))
    apart = replace(after, rounds_with="s")
    change = compare_cell(
        replace(layer(), latency=before), replace(layer(), latency=apart), DEFAULT
    )
    assert change.verdict == "cannot tell"


def test_without_a_floor_only_a_large_change_is_concluded(layer):
    before = replace(layer(), latency=between(1e-3, 1.01e-3))
    for seconds, expected in ((1.4e-3, "cannot tell"), (1.6e-3, "slower")):
        after = replace(layer(), latency=between(seconds, 1.01 * seconds))
        change = compare_cell(before, after, DEFAULT)
        assert change.verdict == expected
        assert compare_cell(after, before, DEFAULT).verdict == OPPOSITE.get(expected, expected)
        assert ("no floor known" in change.reason) == (expected == "cannot tell")
        assert ("run `attnbench doctor`" in change.reason) == (expected == "cannot tell")
    same = replace(layer(), latency=between(1.001e-3, 1.02e-3))
    assert compare_cell(before, same, DEFAULT).verdict == "same"


def test_nothing_is_concluded_from_a_side_graded_c(layer):
    sure, wild = between(1e-3, 1.01e-3), between(5e-3, 9e-3)
    before, after = (with_floor(replace(layer(), latency=one), 0.0) for one in (sure, wild))
    for sides in ((before, after), (after, before)):
        change = compare_cell(*sides, DEFAULT)
        assert change.verdict == "cannot tell"
        assert change.poor == (after,)
        assert "is graded C (the 95 % interval is" in change.reason


def test_two_parts_of_one_series_are_no_pairs(layer):
    drift = [1e-3 * (1 + 0.002 * i) for i in range(60)]
    parts = [
        replace(layer(), latency=Latency(
            samples_s=tuple(part), stopped_by="precision", span_s=1.0, rounds_with="r"))
        for part in (drift[:30], drift[30:])
    ]  # fmt: skip
    (change,) = compared(parts[:1], parts[1:]).changes
    assert not change.ratio.paired
    assert change.verdict == "cannot tell"


SIGNS = {
    "code": ("environment", "the measured code differs"),
    "kernel": ("backend", "kernel flash before, math after"),
    "operators": ("operators", "operators 14 before, 18 after"),
    "path": ("code_path", "the code path differs: mm ×4 before, mm ×4, copy_ ×2 after"),
    "first call": ("first_call_s", "first call 10.0 ms before, 2.00 s after"),
}
VALUES = {"backend": ("flash", "math"), "operators": (14, 18), "first_call_s": (0.01, 2.0),
          "code_path": ("mm ×4", "mm ×4, copy_ ×2")}  # fmt: skip


@pytest.mark.parametrize("sign", SIGNS)
def test_a_change_comes_with_a_sign_of_another_code_path(sign, layer, cpu):
    field, text = SIGNS[sign]
    values = VALUES.get(field, (cpu, replace(cpu, code="other")))
    before, after = (
        replace(layer(), latency=between(seconds, seconds), **{field: value})
        for seconds, value in zip((1e-3, 2e-3), values, strict=True)
    )
    change = compare_cell(before, after, DEFAULT)
    assert (change.verdict, change.reason) == ("slower", text)


def test_another_code_path_is_said_beside_any_verdict(layer):
    before, after = (
        replace(layer(), latency=between(seconds, seconds), code_path=path)
        for seconds, path in ((1e-3, "mm ×4"), (1.01e-3, "mm ×4, copy_ ×2"))
    )
    change = compare_cell(before, after, DEFAULT)
    assert change.verdict == "same"
    assert "the code path differs: mm ×4 before, mm ×4, copy_ ×2 after" in change.reason


def test_a_change_without_any_sign_says_so(layer):
    before, after = (replace(layer(), latency=between(s, s)) for s in (1e-3, 2e-3))
    change = compare_cell(before, after, DEFAULT)
    assert change.verdict == "slower"
    assert "no change of code, kernel or operators" in change.reason
    assert compare_cell(before, before, DEFAULT).reason == ""


def noisy(random_numbers, median_s, spread):
    samples = (median_s * random_numbers.lognormvariate(0, spread) for _ in range(100))
    return Latency(samples_s=tuple(samples), stopped_by="precision", span_s=1.0)


@pytest.mark.parametrize("spread", [0.02, 0.1, 0.5])
def test_equal_medians_are_hardly_ever_told_apart(layer, spread):
    draw, strictest = random.Random(0), Thresholds(relative=0, absolute_s=0)
    pairs = [
        [replace(layer(), latency=noisy(draw, 1e-3, spread)) for _ in range(2)] for _ in range(200)
    ]
    for thresholds, allowed in ((DEFAULT, 2), (strictest, 5)):
        found = [compare_cell(*two, thresholds).verdict for two in pairs]
        assert found.count("slower") + found.count("faster") <= allowed


def test_planted_slow_downs_are_all_found(layer):
    draw, known = random.Random(0), with_floor(layer(), 0.05)
    found = []
    for _ in range(200):
        before, after = (noisy(draw, median_s, 0.05) for median_s in (1e-3, 1.2e-3))
        change = compare_cell(
            replace(known, latency=before), replace(known, latency=after), DEFAULT
        )
        found.append(change.verdict)
    assert set(found) <= {"slower", "cannot tell"}
    assert found.count("slower") > 190  # the others are graded C by chance


def test_a_result_is_the_same_as_itself(layer, model):
    loud = replace(layer("anchor"), latency=noisy(random.Random(0), 1e-3, 1.0))
    records = [layer("dense", rounds="r"), layer("window", seconds=1.0), loud, model()]
    assert verdicts(records, records) == ["same"] * 4


STATUSES = {
    ("ok", "out_of_memory"): "broken",
    ("ok", "unsupported"): "broken",
    ("timeout", "ok"): "repaired",
    ("failed", "failed"): "cannot tell",
    ("failed", "out_of_memory"): "cannot tell",
}


@pytest.mark.parametrize("statuses", STATUSES)
def test_a_change_of_status_is_a_verdict_with_its_reason(statuses, layer):
    before, after = (
        layer(status=status, reason="" if status == "ok" else f"why {status}")
        for status in statuses
    )
    expected = STATUSES[statuses]
    change = compare_cell(before, after, DEFAULT)
    assert change.verdict == expected
    for status in statuses:
        assert status == "ok" or f"{status.replace('_', ' ')} (why {status})" in change.reason
    assert compare_cell(after, before, DEFAULT).verdict == OPPOSITE.get(expected, expected)


def test_a_cell_that_failed_after_its_latency_is_broken(layer):
    after = replace(layer(), status="failed", reason="RuntimeError: no memory profile")
    assert compare_cell(layer(), after, DEFAULT).verdict == "broken"


KIB = 2**10
MEMORIES = {
    "equal": (0, 0, "same"),
    "beyond both": (10_000 * KIB, 10_200 * KIB, "more"),
    "within 1 %": (10_000 * KIB, 10_100 * KIB, "same"),
    "within 64 KiB": (KIB, 65 * KIB, "same"),
    "from nothing": (0, 65 * KIB, "more"),
}


@pytest.mark.parametrize("case", MEMORIES)
def test_memory_and_its_mirror_image(case):
    old, new, expected = MEMORIES[case]
    before, after = (
        Memory(peak_net_bytes=peak, peak_total_bytes=None, method="cpu profiler")
        for peak in (old, new)
    )
    assert compare_memory(before, after) == expected
    assert compare_memory(after, before) == OPPOSITE.get(expected, expected)
    assert compare_memory(before, None) == "cannot tell"
    assert compare_memory(before, replace(after, method="cuda allocator")) == "cannot tell"


def test_macs_and_params_are_equal_or_changed(model):
    change = compare_cell(model(macs=10**9), model(macs=10**9 + 1), DEFAULT)
    assert (change.macs, change.params) == ("changed", "equal")
    change = compare_cell(model(), replace(model(), params=None), DEFAULT)
    assert (change.macs, change.params) == ("equal", "cannot tell")


def test_the_worst_comes_first_and_nothing_is_dropped(layer):
    names = ("faster", "slow", "slower", "same", "broken", "repaired")
    failed = {"status": "failed", "reason": "x"}
    before = [layer(n, **(failed if n == "repaired" else {})) for n in (*names, "gone")]
    seconds = {"faster": 0.5e-3, "slow": 2e-3, "slower": 3e-3}
    after = [
        layer(n, seconds=seconds.get(n, 1e-3), **(failed if n == "broken" else {}))
        for n in (*names, "new")
    ]
    comparison = compared(before, after)
    order = [change.after.workload.attention for change in comparison.changes]
    assert order == ["broken", "slower", "slow", "same", "faster", "repaired"]
    assert [record.workload.attention for record in comparison.only_before] == ["gone"]
    assert [record.workload.attention for record in comparison.only_after] == ["new"]
    assert comparison.counts == {
        "broken": 1, "slower": 2, "cannot tell": 0, "same": 1, "faster": 1, "repaired": 1,
        "more": 0, "less": 0, "changed": 0, "missing": 1, "new": 1,
        "better": 0, "worse": 0,
    }  # fmt: skip


@pytest.mark.parametrize("value", [-1e-9, float("nan")])
def test_a_threshold_is_no_negative_number(value):
    with pytest.raises(UserError, match="--relative: expected a number from 0"):
        Thresholds(relative=value)
    with pytest.raises(UserError, match="--absolute: expected a number from 0"):
        Thresholds(absolute_s=value)

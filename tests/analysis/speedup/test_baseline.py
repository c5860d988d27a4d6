from __future__ import annotations

from dataclasses import replace

import pytest

from attnbench.analysis.naming import name_of
from attnbench.analysis.speedup.baseline import Baselines


def compared(record, *others):
    everything = [record, *others]
    found = Baselines(everything, everything).compare(record)
    return found and (name_of(found.baseline.workload), found.ratio)


def test_the_baseline_is_the_fastest_dense_cell(layer):
    slow = layer("dense", seconds=8e-3)
    fast = layer("dense", seconds=4e-3, impl="sdpa")
    name, ratio = compared(layer("anchor", seconds=1e-3), slow, fast)
    assert name == "dense (sdpa)"
    assert ratio.value == pytest.approx(4)
    assert not ratio.paired


def test_the_same_rounds_come_before_a_faster_stranger(layer):
    partner = layer("dense", seconds=8e-3, rounds="r")
    stranger = layer("dense", seconds=4e-3, impl="sdpa", rounds="s")
    name, ratio = compared(layer("anchor", rounds="r"), stranger, partner)
    assert (name, ratio.value, ratio.paired) == ("dense (reference)", pytest.approx(8), True)


def test_a_partner_that_was_measured_again_stays_the_partner(layer):
    partner, again = layer("dense", seconds=8e-3, rounds="r"), layer("dense", seconds=1.0)
    anchor = layer("anchor", rounds="r")
    found = Baselines([partner, again, anchor], [again, anchor]).compare(anchor)
    assert found.ratio.value == pytest.approx(8)


@pytest.mark.parametrize(
    "change",
    [
        {"batch": 2},
        {"dtype": "bfloat16"},
        {"mode": "forward+backward"},
        {"dim": 96},
        {"num_heads": 1},
        {"grid": (2, 8)},
    ],
)
def test_other_conditions_are_no_baseline(layer, change):
    assert compared(layer("anchor"), layer("dense", **change)) is None


def test_another_machine_is_no_baseline(layer, cpu, gpu):
    others = [layer("dense", env=gpu), layer("dense", env=replace(cpu, threads=1))]
    assert compared(layer("anchor"), *others) is None


def test_other_code_on_the_same_machine_is(layer, cpu):
    assert compared(layer("anchor"), layer("dense", env=replace(cpu, code="other"))) is not None


def test_a_failed_cell_neither_is_nor_has_a_baseline(layer):
    failed = layer("dense", status="out_of_memory", reason="x")
    assert compared(layer("anchor"), failed) is None
    assert compared(failed, layer("dense")) is None


def test_only_attention_called_dense_is_the_yardstick(layer):
    assert compared(layer("anchor"), layer("dense-shared-qk", seconds=1e-6)) is None


def test_the_baseline_of_the_baseline_is_itself(layer):
    name, ratio = compared(layer("dense"))
    assert (name, ratio.value, ratio.interval) == ("dense (reference)", 1.0, None)

"""The doctor's known answers pass with a correct harness and fail with a wrong one."""

from dataclasses import replace

import pytest
import torch

from attnbench.doctor import known_answers as known
from attnbench.doctor.known_answers import check_macs, check_memory, check_refusal
from attnbench.profiling.honesty.dishonest import DishonestError
from attnbench.profiling.memory.allocations import measure_memory
from attnbench.records import Memory

CPU = torch.device("cpu")


def test_macs_are_counted_as_the_closed_forms_say():
    found = check_macs()
    assert found.outcome == "passed"
    assert "linear, convolution, fused attention, batched product" in found.text


@pytest.mark.parametrize("index", range(len(known.KNOWN_MACS)))
def test_a_count_that_is_off_by_one_fails(monkeypatch, index):
    off = replace(known.KNOWN_MACS[index], macs=known.KNOWN_MACS[index].macs + 1)
    monkeypatch.setattr(known, "KNOWN_MACS", (off,))
    found = check_macs()
    assert found.outcome == "failed"
    assert f"{off.name}: MACs disagree: closed form {off.macs:,}" in found.text


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_peaks_of_known_allocations_are_found(device):
    found = check_memory(torch.device(device))
    assert (found.outcome, found.text) == (
        "passed",
        "peaks found to the byte: 500 KiB, 700 KiB, 0 B",
    )


def test_a_peak_that_is_off_by_a_byte_fails(monkeypatch):
    def off_by_one(call, device):
        right = measure_memory(call, device)
        return Memory(
            peak_net_bytes=right.peak_net_bytes + 1, peak_total_bytes=None, method=right.method
        )

    monkeypatch.setattr(known, "measure_memory", off_by_one)
    found = check_memory(CPU)
    assert found.outcome == "failed"
    assert "nothing: expected 0 bytes, came 1" in found.text


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_an_operator_that_does_not_do_its_work_is_refused(device):
    found = check_refusal(torch.device(device))
    assert found.outcome == "passed"
    assert "an operator that returns its last answer was refused (" in found.text
    assert found.text.endswith("an honest one was not refused")


def test_a_harness_that_refuses_all_or_none_fails(monkeypatch):
    def refuse(*_):
        raise DishonestError("no reason")

    for check in (refuse, lambda *_: None):
        monkeypatch.setattr(known, "check_honesty", check)
        assert check_refusal(CPU).outcome == "failed"

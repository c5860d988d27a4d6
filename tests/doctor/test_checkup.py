"""What the doctor makes of what it measured, and one whole examination."""

import subprocess

import pytest
import torch

from attnbench.analysis.compare.verdict import compare_cell
from attnbench.doctor import checkup as doctor
from attnbench.doctor import known_time
from attnbench.doctor.checkup import (
    busy_processes,
    examine,
    floor_from,
    judge_contention,
    judge_floor,
    judge_same,
    judge_slowed,
)
from attnbench.doctor.selftest import HALF_WAY, LAYER
from attnbench.records import Environment, Floor, LayerRecord, store
from attnbench.records.latency import Contention, Latency
from attnbench.records.trust import Doubt, Trust
from attnbench.spec import Protocol

CPU = Environment(
    device="cpu", device_name="Test CPU", threads=1, torch="2.15.0", cuda="", python="3.12",
    platform="Linux", attnbench="0.1.0", code="abc",
)  # fmt: skip
SHORT = Protocol(warmup_s=0.0, min_samples=6, precision=0.5, time_budget_s=0.05)


def record(samples, rounds="", **more):
    latency = Latency(samples_s=tuple(samples), stopped_by="precision", rounds_with=rounds, **more)
    return LayerRecord(workload=LAYER, environment=CPU, created="", latency=latency)


def change(low, high):
    """A comparison whose interval of the ratio is exactly this."""
    ratios = [low + (high - low) * i / 5 for i in range(6)]
    return compare_cell(record([1.0] * 6, rounds="r"), record(ratios, rounds="r"), HALF_WAY)


def floor(relative):
    return Floor(relative=relative, absolute_s=0.0, created="")


SAME = {"passed": (0.99, 1.02), "failed": (0.99, 1.03)}


@pytest.mark.parametrize("outcome", SAME)
def test_an_operator_must_be_the_same_as_itself(outcome):
    found = judge_same(change(*SAME[outcome]))
    assert found.outcome == outcome
    assert "(-1.0 % to +" in found.text
    assert ("quiet the machine" in found.text) == (outcome == "failed")


def test_a_difference_between_equals_is_a_failure():
    assert judge_same(change(1.04, 1.06)).outcome == "failed"
    assert judge_same(change(0.90, 0.92)).outcome == "failed"


SLOWED = {  # interval of the ratio, resolution floor, outcome
    "slower": (1.04, 1.06, 0.01, "passed"),
    "slower on a machine that shows so little by luck": (1.04, 1.06, 0.5, "passed"),
    "cannot tell on a machine that should": (1.01, 1.06, 0.02, "failed"),
    "cannot tell on a machine that cannot": (1.01, 1.06, 0.08, "not possible here"),
    "same": (0.99, 1.01, 0.08, "failed"),
    "faster": (0.90, 0.92, 0.08, "failed"),
}


@pytest.mark.parametrize("case", SLOWED)
def test_a_planted_slow_down_must_be_found_where_it_can(case):
    low, high, relative, outcome = SLOWED[case]
    found = judge_slowed(change(low, high), floor(relative))
    assert found.outcome == outcome
    assert ("resolution floor is 8.0 %" in found.text) == (outcome == "not possible here")


def trust(grade, *names):
    doubts = [Doubt(name=name, grade=grade, text=f"some {name}", advice="") for name in names]
    return Trust(grade=grade, doubts=tuple(doubts))


CONTENDED = {  # grade before, grade and doubts beside the processes, known to the kernel, outcome
    "found": (trust("A"), trust("C", "contention"), True, "passed"),
    "found by its effect": (trust("B", "drift"), trust("C", "wide interval"), False, "passed"),
    "for another reason": (trust("A"), trust("B", "few samples"), True, "failed"),
    "not found": (trust("A"), trust("A"), True, "failed"),
    "no lower": (trust("B", "drift"), trust("B", "contention"), True, "failed"),
    "not to be known": (trust("A"), trust("A"), False, "not possible here"),
    "nothing left to lose": (trust("C", "drift"), trust("C", "drift"), True, "not possible here"),
}


@pytest.mark.parametrize("case", CONTENDED)
def test_contention_must_cost_the_grade_for_the_right_reason(case):
    quiet, loud, told, outcome = CONTENDED[case]
    assert judge_contention(quiet, loud, 2, told).outcome == outcome


def test_the_floor_holds_runs_apart_and_in_turn_and_the_clock():
    runs, nothing = [record([1.0] * 6), record([1.25] * 6)], record([1e-7] * 90 + [9e-7] * 10)
    found = floor_from(runs, change(0.99, 1.01), nothing.latency)
    assert (found.relative, found.absolute_s) == (pytest.approx(0.25), 1e-7)
    assert floor_from(runs, change(0.5, 1.01), nothing.latency).relative == pytest.approx(1.0)


def test_a_floor_that_holds_a_disturbance_says_so():
    steady = [record([1.0] * 40)] * 2
    assert judge_floor(floor(0.01), steady).outcome == "passed"
    others = Contention(own_cores=1.0, other_cores=1.0, stolen_cores=0.0)
    found = judge_floor(floor(0.01), [*steady, record([1.0] * 40, contention=others)])
    assert found.outcome == "not possible here"
    assert "1 of them are graded C (others used 1.0 cores" in found.text


@pytest.mark.parametrize("fails", [False, True])
def test_busy_processes_have_ended_when_the_block_has(monkeypatch, fails):
    started, start = [], subprocess.Popen
    monkeypatch.setattr(doctor, "BUSY_START_S", 0)
    monkeypatch.setattr(
        subprocess, "Popen", lambda *args: started.append(start(*args)) or started[-1]
    )
    try:
        with busy_processes(2):
            assert [process.poll() for process in started] == [None, None]
            if fails:
                raise ArithmeticError
    except ArithmeticError:
        assert fails
    assert all(process.poll() is not None for process in started)


def test_a_process_that_cannot_be_started_leaves_none_behind(monkeypatch):
    started, start = [], subprocess.Popen

    def second_fails(*args):
        if started:
            raise OSError("no more processes")
        started.append(start(*args))
        return started[0]

    monkeypatch.setattr(subprocess, "Popen", second_fails)
    with pytest.raises(OSError, match="no more"), busy_processes(2):
        pass
    assert started[0].poll() is not None


def test_a_whole_examination_can_be_stored(monkeypatch, tmp_path):
    monkeypatch.setattr(known_time, "KNOWN_TIME", SHORT)
    monkeypatch.setattr(doctor, "BUSY_START_S", 0)
    steps = []
    checkup = examine(torch.device("cpu"), run=SHORT, comparison=SHORT, on_step=steps.append)
    outcomes = {finding.name: finding.outcome for finding in checkup.findings}
    assert list(outcomes) == [
        "known time", "known MACs", "known memory", "dishonest operator", "same operator",
        "planted slow-down", "planted contention", "resolution floor",
    ]  # fmt: skip
    for exact in ("known MACs", "known memory", "dishonest operator"):
        assert outcomes[exact] == "passed"
    assert checkup.floor.relative > 0
    assert checkup.floor.absolute_s > 0
    assert "resolution floor, run 7" in steps
    store.append(tmp_path / "doctor.jsonl", checkup)
    assert store.read(tmp_path / "doctor.jsonl").checkups == [checkup]

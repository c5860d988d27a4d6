"""The doctor detects the contention it causes, and ends its busy processes."""

import subprocess

import pytest

from attnbench.doctor import planted_contention
from attnbench.doctor.planted_contention import busy_processes, judge_contention
from attnbench.records.doubts.doubt import Doubt
from attnbench.records.trust import Trust


def trust(grade, *names):
    doubts = [Doubt(name=name, grade=grade, text=f"some {name}", advice="") for name in names]
    return Trust(grade=grade, doubts=tuple(doubts))


CONTENDED = {  # grade before, grade and doubts beside the processes, reported, outcome
    "found": (trust("A"), trust("C", "contention"), True, "passed"),
    "found by its effect": (trust("B", "drift"), trust("C", "wide interval"), False, "passed"),
    "for another reason": (trust("A"), trust("B", "few samples"), True, "failed"),
    "not found": (trust("A"), trust("A"), True, "failed"),
    "busy before": (trust("B", "contention"), trust("B", "disturbed"), True, "not possible here"),
    "found by its samples": (trust("B", "drift"), trust("C", "disturbed"), True, "passed"),
    "not to be known": (trust("A"), trust("A"), False, "not possible here"),
    "nothing left to lose": (trust("C", "drift"), trust("C", "drift"), True, "not possible here"),
}


@pytest.mark.parametrize("case", CONTENDED)
def test_contention_must_cost_the_grade_for_the_right_reason(case):
    quiet, loud, reported, outcome = CONTENDED[case]
    assert judge_contention(quiet, loud, 2, reported).outcome == outcome


@pytest.mark.parametrize("fails", [False, True])
def test_busy_processes_have_ended_when_the_block_has(monkeypatch, fails):
    started, start = [], subprocess.Popen
    monkeypatch.setattr(planted_contention, "BUSY_START_S", 0)
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

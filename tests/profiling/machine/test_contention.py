"""Who used the processor: arithmetic on scripted clocks, and a busy neighbour for real."""

import subprocess
import sys
import time

import pytest

from attnbench.profiling.machine import contention
from attnbench.profiling.machine.contention import Usage, contention_between, usage_now


def usage(wall, own, busy, stolen=0.0):
    return Usage(wall_s=wall, own_s=own, busy_s=busy, stolen_s=stolen)


def test_what_is_not_ours_was_used_by_others():
    found = contention_between(usage(0, 0, 100), usage(10, 8, 123, stolen=2))
    assert (found.own_cores, found.other_cores, found.stolen_cores) == (0.8, 1.5, 0.2)


def test_rounding_of_the_kernel_s_clock_never_makes_others_negative():
    assert contention_between(usage(0, 0, 0), usage(1, 1.004, 1.0)).other_cores == 0


def test_a_span_of_a_few_ticks_tells_nothing():
    assert contention_between(usage(0, 0, 0), usage(0.05, 0.05, 0.05)) is None
    assert contention_between(None, usage(1, 1, 1)) is None


def test_a_kernel_that_does_not_tell_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setattr(contention, "PROC_STAT", tmp_path / "missing")
    assert usage_now() is None


@pytest.mark.skipif(usage_now() is None, reason="this kernel has no /proc/stat")
def test_a_busy_neighbour_is_seen():
    neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        time.sleep(0.3)  # until the neighbour is at work
        before = usage_now()
        time.sleep(0.5)
        found = contention_between(before, usage_now())
    finally:
        neighbour.kill()
        neighbour.wait()
    assert found.other_cores > 0.3
    assert found.own_cores < 0.3

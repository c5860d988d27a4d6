"""Processor use by other programs, from scripted clocks and from a real busy process."""

import subprocess
import sys
import time
from collections import namedtuple

import psutil
import pytest

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


CPU_TIMES = {  # what psutil reports, busy seconds, stolen seconds
    "linux": (
        {"user": 1, "nice": 2, "system": 4, "idle": 100, "iowait": 200, "irq": 8, "softirq": 16,
         "steal": 32, "guest": 1, "guest_nice": 0},
        31, 32,
    ),
    "darwin": ({"user": 1, "nice": 2, "system": 4, "idle": 100}, 7, 0),
    "win32": ({"user": 1, "system": 4, "idle": 100, "interrupt": 1, "dpc": 1}, 5, 0),
}  # fmt: skip


@pytest.mark.parametrize("system", CPU_TIMES)
def test_each_system_reports_busy_time_and_some_report_stolen_time(monkeypatch, system):
    times, busy, stolen = CPU_TIMES[system]
    monkeypatch.setattr(psutil, "cpu_times", lambda: namedtuple("scputimes", times)(**times))
    found = usage_now()
    assert (found.busy_s, found.stolen_s) == (busy, stolen)


@pytest.mark.parametrize("error", [PermissionError("/proc/stat"), psutil.AccessDenied()])
def test_a_system_that_does_not_tell_is_no_error(monkeypatch, error):
    def refuse():
        raise error

    monkeypatch.setattr(psutil, "cpu_times", refuse)
    assert usage_now() is None


@pytest.mark.skipif(usage_now() is None, reason="this system does not report processor times")
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

"""A latency measured while other programs keep every core busy must lose its grade."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from attnbench.cores import available_cores
from attnbench.doctor.findings import not_possible, passed_or_failed
from attnbench.doctor.timed_operator import TimedOperator
from attnbench.records import Finding
from attnbench.records.trust import Trust, trust_in
from attnbench.spec import Protocol

BUSY = """
import random, sys, time
share, seconds = map(float, sys.argv[1:])
end = time.monotonic() + seconds
while time.monotonic() < end:
    burst = random.uniform(0.02, 0.2) if share < 1 else seconds
    until = min(end, time.monotonic() + burst)
    while time.monotonic() < until: pass
    time.sleep(burst / share - burst)
"""
"""A process that is busy for a share of the time, in bursts of 20 to 200 ms; it ends by itself if
its parent is killed."""
LONGEST_S = 60.0
BUSY_START_S = 0.3
"""Until the busy processes are at work."""
CONTENTION_SHOWS = ("contention", "disturbed", "wide interval", "drift")
"""Doubts that other programs cause."""


def check_contention(operator: TimedOperator, protocol: Protocol) -> Finding:
    """Measure the operator alone, then beside busy processes."""
    quiet = operator.measure_alone(protocol)
    with busy_processes(available_cores()) as count:
        loud = operator.measure_alone(protocol)
    reported = loud.latency is not None and loud.latency.contention is not None
    return judge_contention(trust_in(quiet), trust_in(loud), count, reported)


def judge_contention(quiet: Trust, loud: Trust, count: int, reported: bool) -> Finding:
    """Whether the grade fell, and for the right reason.

    Args:
        quiet: before.
        loud: while the processes ran.
        count: number of the processes.
        reported: whether the system reports who used the processor.
    """
    name = "planted contention"
    if quiet.grade == "C":
        return not_possible(name, f"graded C before anything was planted: {quiet.doubts[0].text}")
    reasons = [doubt for doubt in loud.doubts if doubt.name in CONTENTION_SHOWS]
    text = (
        f"expected a grade below {quiet.grade} beside {count} busy processes, came {loud.grade}: "
        + ("; ".join(doubt.text for doubt in reasons) or "no doubt names them")
    )
    passed = loud.grade > quiet.grade and bool(reasons)
    if not passed and not reported:
        return not_possible(name, text + "; this system does not report who used the processor")
    if not passed and quiet.grade != "A":
        return not_possible(name, text + f"; before, there was: {quiet.doubts[0].text}")
    return passed_or_failed(name, passed, text)


@contextmanager
def busy_processes(count: int, share: float = 1.0) -> Iterator[int]:
    """Processes that do nothing but compute; all have ended when the block has.

    Args:
        count: how many.
        share: of the time in which each of them is busy.
    """
    processes: list[subprocess.Popen[bytes]] = []
    arguments = [sys.executable, "-I", "-S", "-c", BUSY, str(share), str(LONGEST_S)]
    try:
        for _ in range(count):
            processes.append(subprocess.Popen(arguments))
        time.sleep(BUSY_START_S)
        yield count
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()

"""Whether this machine and this harness are fit to measure, and how small a change they resolve.

The harness is tried on answers that are known: times (`known_time`), MACs, allocations and an
operator that does not do its work (`known`), an operator compared with itself and with one that is
5 % slower (`selftest`), and a latency measured while other programs keep every core busy, which
must lose its grade.

**The resolution floor** is the least relative threshold under which the operator, compared with
itself, always reads "same". It is measured by itself between the checks, as often as there are
any, so that the runs lie apart in time as two runs of a user do; each is compared with each.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch

from attnbench.analysis.compare.verdict import Change
from attnbench.benchmark.runner import now
from attnbench.doctor.known import check_macs, check_memory, check_refusal, finding
from attnbench.doctor.known_time import check_clock
from attnbench.doctor.selftest import (
    HALF_WAY,
    PLANTED,
    Stand,
    compare_same,
    compare_slowed,
    resolution,
    stand_on,
)
from attnbench.profiling.latency.sampling import measure_latencies
from attnbench.records import Checkup, Finding, Floor, LayerRecord
from attnbench.records.floor import FLOOR
from attnbench.records.latency import Latency, percentile
from attnbench.records.trust import Trust, trust_in
from attnbench.spec import Protocol
from attnbench.units import format_percent

RUN = Protocol(warmup_s=0.1, min_samples=30, precision=0.01, time_budget_s=1.0)
"""How the operator is measured by itself."""
COMPARISON = Protocol(warmup_s=0.2, min_samples=100, precision=0.005, time_budget_s=2.5)
"""How two operators are compared: 5 % takes more samples than a user's 30."""
NOTHING = Protocol(warmup_s=0.01, min_samples=2000, precision=1e9, time_budget_s=1.0)
"""As many samples of a call that does nothing, however they scatter."""

BUSY = "import time; end = time.monotonic() + 20\nwhile time.monotonic() < end: pass"
"""A busy process; it ends by itself, should its parent be killed."""
BUSY_START_S = 0.3
"""Until the busy processes are at work."""

Result = TypeVar("Result")


def examine(
    device: torch.device,
    *,
    run: Protocol = RUN,
    comparison: Protocol = COMPARISON,
    on_step: Callable[[str], None] = lambda text: None,
) -> Checkup:
    """Check the harness on this machine; under a minute.

    Args:
        device: where.
        run: how the operator is measured by itself.
        comparison: how two operators are compared.
        on_step: told what is being done, for a progress display.
    """
    on_step("choosing an operator")
    stand = stand_on(device)
    runs: list[LayerRecord] = []

    def do(text: str, work: Callable[[], Result]) -> Result:
        """Do one part, and measure the operator once more: these runs lie apart in time."""
        on_step(text)
        result = work()
        on_step(f"resolution floor, run {len(runs) + 1}")
        runs.append(stand.alone(run))
        return result

    clock = do("known times", lambda: check_clock(stand))
    macs = do("known MACs", check_macs)
    memory = do("known memory", lambda: check_memory(stand))
    refusal = do("a dishonest operator", lambda: check_refusal(stand))
    same = do("an operator compared with itself", lambda: compare_same(stand, comparison))
    slowed = do("a planted slow-down", lambda: compare_slowed(stand, comparison))
    busy = do("planted contention", lambda: check_contention(stand, run))
    floor = floor_from(runs, same, _nothing(stand))
    compared = (judge_same(same), judge_slowed(slowed, floor))
    return Checkup(
        floor=floor,
        findings=(clock, macs, memory, refusal, *compared, busy, judge_floor(floor, runs)),
        environment=stand.environment,
        created=floor.created,
    )


def _nothing(stand: Stand) -> Latency:
    """Timing a call that does nothing: what is left is the harness."""
    calls = {"": lambda: None}
    return measure_latencies(calls, NOTHING, stand.timer, rounds_with="")[""]


def floor_from(runs: Sequence[LayerRecord], same: Change, nothing: Latency) -> Floor:
    """The smallest change that can be told.

    Args:
        runs: the operator measured by itself, at different times.
        same: the operator compared with itself.
        nothing: a call that does nothing; its 90th percentile is what the harness costs, and
            what that varies by.
    """
    in_turn = [same.ratio.interval] if same.ratio and same.ratio.interval else []
    apart = [record.latency for record in runs if record.latency is not None]
    return Floor(
        relative=resolution(apart, in_turn),
        absolute_s=percentile(nothing.samples_s, 0.9),
        created=now(),
    )


def judge_floor(floor: Floor, runs: Sequence[LayerRecord]) -> Finding:
    """Whether the floor is the machine's own, or holds what disturbed the checkup."""
    text = f"{len(runs)} runs of the same operator, apart in time: {format_percent(floor.relative)}"
    disturbed = [trust for trust in map(trust_in, runs) if trust.grade == "C"]
    if not disturbed:
        return Finding(name=FLOOR, outcome="passed", text=text)
    text += (
        f"; {len(disturbed)} of them are graded C ({disturbed[0].doubts[0].text}): a quiet machine "
        "has a smaller floor, run this again there; later records do not carry this one"
    )
    return Finding(name=FLOOR, outcome="not possible here", text=text)


def judge_same(change: Change) -> Finding:
    """An operator compared with itself must be the same."""
    advice = "" if change.verdict == "same" else "; quiet the machine, and try again"
    return finding(
        "same operator",
        change.verdict == "same",
        f'expected "same" (within {format_percent(HALF_WAY.relative)}), came {_came(change)}'
        + advice,
    )


def judge_slowed(change: Change, floor: Floor) -> Finding:
    """What does 5 % more must be slower, unless the machine is known not to show so little."""
    text = (
        f'expected "slower" (by {format_percent(PLANTED)}, threshold '
        f"{format_percent(HALF_WAY.relative)}), came {_came(change)}"
    )
    room = PLANTED - HALF_WAY.relative
    if change.verdict == "cannot tell" and floor.relative > room:
        text += f"; the resolution floor is {format_percent(floor.relative)}"
        return Finding(name="planted slow-down", outcome="not possible here", text=text)
    return finding("planted slow-down", change.verdict == "slower", text)


def _came(change: Change) -> str:
    """A verdict with its numbers."""
    interval = change.ratio.interval if change.ratio else None
    if interval is None:
        return f'"{change.verdict}" ({change.reason})'
    low, high = (f"{100 * (bound - 1):+.1f} %" for bound in interval)
    return f'"{change.verdict}" ({low} to {high})'


def check_contention(stand: Stand, protocol: Protocol) -> Finding:
    """A latency that was measured beside other programs must lose its grade."""
    quiet = stand.alone(protocol)
    with busy_processes(available_cores()) as count:
        loud = stand.alone(protocol)
    told = loud.latency is not None and loud.latency.contention is not None
    return judge_contention(trust_in(quiet), trust_in(loud), count, told)


def judge_contention(quiet: Trust, loud: Trust, count: int, told: bool) -> Finding:
    """Whether the grade fell, and for the right reason.

    Args:
        quiet: before.
        loud: while the processes ran.
        count: of the processes.
        told: whether the kernel tells who used the processor.
    """
    name = "planted contention"
    reasons = [doubt for doubt in loud.doubts if doubt.name in CONTENTION_SHOWS]
    text = (
        f"expected a grade below {quiet.grade} beside {count} busy processes, came {loud.grade}: "
        + ("; ".join(doubt.text for doubt in reasons) or "nothing names them")
    )
    if quiet.grade == "C":
        text = f"graded C before anything was planted: {quiet.doubts[0].text}"
        return Finding(name=name, outcome="not possible here", text=text)
    passed = loud.grade > quiet.grade and bool(reasons)
    if not passed and not told:
        text += "; this kernel does not tell who used the processor"
        return Finding(name=name, outcome="not possible here", text=text)
    return finding(name, passed, text)


CONTENTION_SHOWS = ("contention", "wide interval", "drift")
"""Doubts that other programs cause."""


def available_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def busy_processes(count: int) -> Iterator[int]:
    """So many processes that do nothing but compute; all have ended when the block has."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(count):
            processes.append(subprocess.Popen([sys.executable, "-I", "-S", "-c", BUSY]))
        time.sleep(BUSY_START_S)
        yield count
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()

"""Whether this machine and this harness are fit to measure, and how small a change they resolve.

The harness is tried on known answers: times (`known_times`), MACs, allocations and an operator that
does not do its work (`known_answers`), an operator compared with itself and with one that is 5 %
slower (`comparisons`), and a latency measured while other programs keep every core busy
(`planted_contention`).

The resolution floor (`resolution_floor`) comes from runs of the operator by itself. They are made
before and after each of the other tests, so they lie apart in time as two runs of a user do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from attnbench.doctor.comparisons import compare_same, compare_slowed, judge_same, judge_slowed
from attnbench.doctor.known_answers import check_macs, check_memory, check_refusal
from attnbench.doctor.known_times import check_clock
from attnbench.doctor.planted_contention import check_contention
from attnbench.doctor.resolution_floor import floor_from, judge_floor, time_nothing
from attnbench.doctor.timed_operator import choose_operator
from attnbench.records import Checkup, LayerRecord
from attnbench.spec import Protocol

RUN = Protocol(warmup_s=0.1, min_samples=30, precision=0.01, time_budget_s=0.6)
"""How the operator is measured by itself."""
COMPARISON = Protocol(warmup_s=0.2, min_samples=100, precision=0.005, time_budget_s=2.0)
"""How two operators are compared: 5 % takes more samples than a user's 30."""

Result = TypeVar("Result")


def examine(
    device: torch.device,
    *,
    run: Protocol = RUN,
    comparison: Protocol = COMPARISON,
    on_step: Callable[[str], None] = lambda text: None,
) -> Checkup:
    """Check the harness on this machine; takes under a minute, a busy one up to one and a half.

    Args:
        device: where.
        run: how the operator is measured by itself.
        comparison: how two operators are compared.
        on_step: called with a line about what is being done, for a progress display.
    """
    on_step("choosing an operator")
    operator = choose_operator(device)
    runs: list[LayerRecord] = []

    def do(text: str, work: Callable[[], Result]) -> Result:
        """Make one test, and measure the operator before and after it."""
        measure_once_more()
        on_step(text)
        result = work()
        measure_once_more()
        return result

    def measure_once_more() -> None:
        on_step(f"resolution floor, run {len(runs) + 1}")
        runs.append(operator.measure_alone(run))

    clock = do("known times", lambda: check_clock(operator))
    macs = do("known MACs", check_macs)
    memory = do("known memory", lambda: check_memory(device))
    refusal = do("a dishonest operator", lambda: check_refusal(device))
    same = do("an operator compared with itself", lambda: compare_same(operator, comparison))
    slowed = do("a planted slow-down", lambda: compare_slowed(operator, comparison))
    busy = do("planted contention", lambda: check_contention(operator, run))
    floor = floor_from(runs, time_nothing(operator))
    compared = (judge_same(same, floor), judge_slowed(slowed, floor))
    return Checkup(
        floor=floor,
        findings=(clock, macs, memory, refusal, *compared, busy, judge_floor(floor, runs)),
        environment=operator.environment,
        created=floor.created,
    )

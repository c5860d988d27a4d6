"""The resolution floor: the smallest change of a latency that this machine can show.

An operator is measured again and again, and each run is compared with each. 95 % of these
comparisons of a thing with itself stay within the floor. One bad run in twenty does not set it,
as the worst pair would.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from attnbench.doctor.causes import cause_of
from attnbench.doctor.findings import not_possible, passed_or_failed
from attnbench.doctor.timed_operator import TimedOperator
from attnbench.profiling.latency.sampling import measure_latencies
from attnbench.records import Finding, Floor, LayerRecord, now
from attnbench.records.floor import FLOOR
from attnbench.records.latency import Latency
from attnbench.records.median import percentile
from attnbench.records.trust import Trust, trust_in
from attnbench.spec import Protocol
from attnbench.units import format_percent

NOTHING = Protocol(warmup_s=0.01, min_samples=2000, precision=1e9, time_budget_s=1.0)
"""Samples of a call that does nothing for a second, however they scatter."""
STAY_WITHIN = 0.95
"""Share of the comparisons that stay within the floor."""
MORE_FOR_FEW = 1.5
"""The pairs of n runs share their runs, and so show too little: n runs need 1 + 1.5/n of it. By
simulation, 95 % of new comparisons then stay within the floor of 14 runs, 92 % within that of 7."""
LEAST_RUNS = 7
"""Runs that are graded C are left out if this many others remain: nothing is concluded from C."""
BY_OTHERS = ("contention", "disturbed")
"""Doubts that other programs raise."""


def time_nothing(operator: TimedOperator) -> Latency:
    """The latency of a call that does nothing: the cost of the harness."""
    calls = {"": lambda: None}
    return measure_latencies(calls, NOTHING, operator.timer, rounds_with="")[""]


def floor_from(runs: Sequence[LayerRecord], nothing: Latency) -> Floor:
    """The smallest change that can be told.

    Args:
        runs: the operator measured by itself, at different times.
        nothing: a call that does nothing; its 90th percentile is what the harness costs, and
            how much that varies.
    """
    trusts = [trust_in(run) for run in runs]
    good = [run for run, trust in zip(runs, trusts, strict=True) if trust.grade != "C"]
    basis = good if len(good) >= LEAST_RUNS else runs
    latencies = [run.latency for run in basis if run.latency is not None]
    return Floor(
        relative=resolution(latencies),
        absolute_s=percentile(nothing.used_s, 0.9),
        created=now(),
        comparisons=len(latencies) * (len(latencies) - 1) // 2,
        disturbed=len(good) < LEAST_RUNS or 2 * sum(map(_by_others, trusts)) >= len(runs),
    )


def judge_floor(floor: Floor, runs: Sequence[LayerRecord]) -> Finding:
    """Whether the floor is the machine's own, or that of a machine that others use too."""
    text = f"95 % of {floor.comparisons} comparisons of runs of the same operator, apart in time, "
    text += f"stay within {format_percent(floor.relative)}"
    cause = cause_of([run.latency for run in runs if run.latency], runs[0].environment)
    if floor.disturbed:
        text += "; a quiet machine has a smaller floor"
    advice = f"; {cause}" if cause else ""
    if not floor.disturbed:
        return passed_or_failed(FLOOR, True, text + advice)
    return not_possible(FLOOR, text + (advice or "; the cause is not known: try again later"))


def resolution(apart: Sequence[Latency]) -> float:
    """What 95 % of comparisons of two runs stay within, as a share; 0 if there are none.

    Args:
        apart: the same operator, measured by itself at different times, as two runs of a user are.
    """
    seen = within([one.median_s / other.median_s for one, other in combinations(apart, 2)])
    return seen * (1 + MORE_FOR_FEW / max(1, len(apart)))


def within(ratios: Sequence[float]) -> float:
    """The distance from 1, as a factor, that 95 % of the ratios stay within; 0 without any."""
    return percentile([max(r, 1 / r) for r in ratios], STAY_WITHIN) - 1 if ratios else 0.0


def _by_others(trust: Trust) -> bool:
    return any(doubt.name in BY_OTHERS for doubt in trust.doubts)

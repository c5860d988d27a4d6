"""The resolution floor: the smallest change of a latency that this machine can show.

It is the least relative threshold under which an operator, compared with itself, always reads
"same".
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

from attnbench.analysis.compare.verdict import Change
from attnbench.doctor.findings import not_possible, passed_or_failed
from attnbench.doctor.timed_operator import TimedOperator
from attnbench.profiling.latency.sampling import measure_latencies
from attnbench.records import Finding, Floor, LayerRecord, now
from attnbench.records.floor import FLOOR
from attnbench.records.latency import Latency
from attnbench.records.median import Interval, percentile
from attnbench.records.trust import trust_in
from attnbench.spec import Protocol
from attnbench.units import format_percent

NOTHING = Protocol(warmup_s=0.01, min_samples=2000, precision=1e9, time_budget_s=1.0)
"""2,000 samples of a call that does nothing, however they scatter."""


def time_nothing(operator: TimedOperator) -> Latency:
    """The latency of a call that does nothing: the cost of the harness."""
    calls = {"": lambda: None}
    return measure_latencies(calls, NOTHING, operator.timer, rounds_with="")[""]


def floor_from(runs: Sequence[LayerRecord], same: Change, nothing: Latency) -> Floor:
    """The smallest change that can be told.

    Args:
        runs: the operator measured by itself, at different times.
        same: the operator compared with itself.
        nothing: a call that does nothing; its 90th percentile is what the harness costs, and
            how much that varies.
    """
    in_turn = [same.ratio.interval] if same.ratio and same.ratio.interval else []
    apart = [record.latency for record in runs if record.latency is not None]
    return Floor(
        relative=resolution(apart, in_turn),
        absolute_s=percentile(nothing.samples_s, 0.9),
        created=now(),
    )


def judge_floor(floor: Floor, runs: Sequence[LayerRecord]) -> Finding:
    """Whether the floor is the machine's own, or the checkup was disturbed."""
    text = f"{len(runs)} runs of the same operator, apart in time: {format_percent(floor.relative)}"
    disturbed = [trust for trust in map(trust_in, runs) if trust.grade == "C"]
    if not disturbed:
        return passed_or_failed(FLOOR, True, text)
    return not_possible(
        FLOOR,
        f"{text}; {len(disturbed)} of them are graded C ({disturbed[0].doubts[0].text}): a quiet "
        "machine has a smaller floor, run this again there; later records do not carry this one",
    )


def resolution(apart: Sequence[Latency], in_turn: Sequence[Interval]) -> float:
    """The least relative threshold under which a thing compared with itself always reads "same".

    That is the largest distance from 1, as a factor, of any bound of any interval. It includes how
    far two measurements differed, and how well each of them was known.

    Args:
        apart: the same operator, measured by itself at different times, as two runs of a user
            are; each is compared with each, by the rule of `analysis.compare`.
        in_turn: intervals of the ratio where it was sampled in turn with itself.

    Returns:
        A share of the latency; 0 if nothing was compared.
    """
    ratios = [_worst_ratio(one, other) for one, other in permutations(apart, 2)]
    ratios += [max(high, 1 / low) for low, high in in_turn]
    return max(ratios, default=1.0) - 1


def _worst_ratio(one: Latency, other: Latency) -> float:
    return _bounds(one)[1] / _bounds(other)[0]


def _bounds(latency: Latency) -> Interval:
    """The interval of the median; the range of all samples if they are too few for one."""
    return latency.interval_s or (min(latency.samples_s), max(latency.samples_s))

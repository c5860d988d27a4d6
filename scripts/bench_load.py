"""Part of `bench.py`: medians and comparisons beside programs that are busy half of the time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

from bench_known import same_row, slowed_rows
from bench_rows import Effort, Row, Section, met

from attnbench.cores import available_cores
from attnbench.doctor.comparisons import compare_same, compare_slowed
from attnbench.doctor.planted_contention import busy_processes
from attnbench.doctor.timed_operator import TimedOperator
from attnbench.records import LayerRecord
from attnbench.records.trust import trust_in
from attnbench.units import format_percent

CLOSE = 0.05
CLOSE_SHARE = 18 / 20
"""The aim: so many medians are so close to the quiet ones, or are graded C."""
SHARE = 0.5
"""Of the time in which each of the planted programs is busy, one a core."""


def beside_others(operator: TimedOperator, effort: Effort) -> Section:
    """The operator measured and compared while one program a core is busy half of the time."""
    pairs, same, slowed = [], [], []
    for _ in range(effort.comparisons):
        quiet = operator.measure_alone(effort.run)
        with busy_processes(available_cores(), SHARE):
            pairs.append((quiet, operator.measure_alone(effort.run)))
            same.append(compare_same(operator, effort.comparison))
            slowed.append(compare_slowed(operator, effort.comparison))
    return Section(
        title="Beside programs that are busy half of the time",
        conditions=f"{available_cores()} programs, one a core, in bursts of 20 to 200 ms. A median "
        f"is close within {format_percent(CLOSE)} of the median of the quiet ones, which were "
        "measured in between.",
        rows=[close_row(pairs), same_row(same), *slowed_rows(slowed)],
    )


def close_row(pairs: Sequence[tuple[LayerRecord, LayerRecord]]) -> Row:
    """How many medians of the second records are close to those of the first, or graded C."""
    quiet_s = median(quiet.latency.median_s for quiet, _ in pairs if quiet.latency)
    found = [_Outcome.of(loud, quiet_s) for _, loud in pairs]
    counts = Counter(outcome.name for outcome in found)
    least = ceil(CLOSE_SHARE * len(found))
    return Row(
        what="the operator's median beside them",
        measured=", ".join(f"{count} {name}" for name, count in counts.items())
        + f" of {len(found)}",
        aim=f"at least {least} close or graded C",
        outcome=met(counts["close"] + counts["graded C"] >= least),
        numbers={**counts, "quiet_s": quiet_s, "errors": [outcome.error for outcome in found]},
    )


@dataclass(frozen=True)
class _Outcome:
    """How far a median is off, and what that means."""

    error: float
    name: str

    @classmethod
    def of(cls, record: LayerRecord, quiet_s: float) -> _Outcome:
        assert record.latency is not None
        error = record.latency.median_s / quiet_s - 1
        if trust_in(record).grade == "C":
            return cls(error, "graded C")
        return cls(error, "close" if abs(error) <= CLOSE else "off")

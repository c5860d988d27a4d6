"""Grade how far a latency can be trusted, with the reasons for the grade.

A: no doubts. B: good enough for a rough comparison. C: do not quote it. Each doubt has a name,
thresholds and advice; the worst doubt sets the grade. Grades are not stored but computed from the
samples and conditions in the record, so a better rule also regrades old records.

| doubt | B | C |
|---|---|---|
| few samples | under 30 | under 6: the median has no 95 % interval |
| wide interval | over 5 % of the median | over 15 % |
| contention | other programs used over 0.1 cores while sampling | over 0.5 |
| drift | medians of the first and last third differ by over 3 %, intervals apart | over 10 % |
| unsteady | calls were not steady at the end of the longest warm-up | |
| clocks | the GPU's clock dropped by over 5 % while sampling | over 15 % |
| throttled | | the GPU's driver lowered the clock because of heat or power |
| other kernel | | torch used another kernel than asked for, or its unfused path |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from attnbench.impls import ANY_KERNEL, expected_kernel
from attnbench.records import CostRecord
from attnbench.records.latency import Latency, median_interval

Grade = Literal["A", "B", "C"]

FEW_SAMPLES = (30, 6)
WIDE_INTERVAL = (0.05, 0.15)
CONTENTION_CORES = (0.1, 0.5)
DRIFT = (0.03, 0.10)
CLOCK_CHANGE = (0.05, 0.15)
"""Thresholds of B and C for each doubt. They were chosen on shared two-core machines: idle ones
stay below the first threshold, ones with a second busy program exceed the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """One reason to trust a number less."""

    name: str
    grade: Grade
    text: str
    """The finding, with its number."""
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The grade of a latency and its doubts, the worst first."""

    grade: Grade
    doubts: tuple[Doubt, ...]


def trust_in(record: CostRecord) -> Trust:
    """Grade the latency of a record that has one."""
    assert record.latency is not None
    return _trust([*_doubts(record.latency), _other_kernel(record)])


def trust_in_latency(latency: Latency) -> Trust:
    """Grade a latency without a cell, such as that of a ceiling."""
    return _trust(_doubts(latency))


def _doubts(latency: Latency) -> list[Doubt | None]:
    return [doubt(latency) for doubt in _DOUBTS]


def _trust(found: Sequence[Doubt | None]) -> Trust:
    doubts = sorted((d for d in found if d is not None), key=lambda d: d.grade, reverse=True)
    return Trust(grade=doubts[0].grade if doubts else "A", doubts=tuple(doubts))


def _graded(value: float, thresholds: tuple[float, float]) -> Grade:
    return "C" if value > thresholds[1] else "B" if value > thresholds[0] else "A"


def _few_samples(latency: Latency) -> Doubt | None:
    count = len(latency.samples_s)
    if count >= FEW_SAMPLES[0]:
        return None
    return Doubt(
        name="few samples",
        grade="C" if count < FEW_SAMPLES[1] else "B",
        text=f"{count} sample{'' if count == 1 else 's'}",
        advice="raise --time-budget",
    )


def _wide_interval(latency: Latency) -> Doubt | None:
    interval = latency.interval_s
    if interval is None:
        return None
    width = (interval[1] - interval[0]) / latency.median_s
    grade = _graded(width, WIDE_INTERVAL)
    if grade == "A":
        return None
    return Doubt(
        name="wide interval",
        grade=grade,
        text=f"the 95 % interval is {width:.0%} of the median",
        advice="raise --time-budget, or stop other programs",
    )


def _contention(latency: Latency) -> Doubt | None:
    contention = latency.contention
    if contention is None:
        return None
    cores = contention.other_cores + contention.stolen_cores
    grade = _graded(cores, CONTENTION_CORES)
    if grade == "A":
        return None
    return Doubt(
        name="contention",
        grade=grade,
        text=f"other programs used {cores:.1f} cores of this machine during sampling",
        advice="stop them, or measure again when they are done",
    )


def _drift(latency: Latency) -> Doubt | None:
    third = len(latency.samples_s) // 3
    first, last = latency.samples_s[:third], latency.samples_s[len(latency.samples_s) - third :]
    if not _apart(first, last):
        return None
    change = median(last) / median(first) - 1
    grade = _graded(abs(change), DRIFT)
    if grade == "A":
        return None
    return Doubt(
        name="drift",
        grade=grade,
        text=f"the median of the last third of the samples is {change:+.0%} off the first",
        advice="the machine's speed changed: measure again with a larger --time-budget",
    )


def _apart(first: Sequence[float], last: Sequence[float]) -> bool:
    """Whether the 95 % intervals of two medians do not overlap."""
    one, other = median_interval(first), median_interval(last)
    if one is None or other is None:
        return False
    return one[1] < other[0] or other[1] < one[0]


def _unsteady(latency: Latency) -> Doubt | None:
    if latency.settled is not False:
        return None
    return Doubt(
        name="unsteady",
        grade="B",
        text=f"the calls were not steady after {latency.warmup_s or 0:.1f} s of warm-up",
        advice="stop other programs, or measure again",
    )


def _clocks(latency: Latency) -> Doubt | None:
    clocks = latency.clocks
    if clocks is None:
        return None
    highest = max(clocks.first_mhz, clocks.last_mhz)
    grade = _graded(1 - clocks.lowest_mhz / highest, CLOCK_CHANGE)
    if grade == "A":
        return None
    return Doubt(
        name="clocks",
        grade=grade,
        text=f"the GPU's clock dropped from {highest} to {clocks.lowest_mhz} MHz during sampling",
        advice="lock the clocks if you may, or measure again when the GPU is warm",
    )


def _throttled(latency: Latency) -> Doubt | None:
    clocks = latency.clocks
    if clocks is None or not clocks.throttled_by:
        return None
    return Doubt(
        name="throttled",
        grade="C",
        text=f"the GPU was throttled: {', '.join(clocks.throttled_by)}",
        advice="let it cool, raise its power limit if you may, and measure again",
    )


def _other_kernel(record: CostRecord) -> Doubt | None:
    """`sdpa` asks for any fused kernel of torch; `sdpa-flash` and others ask for a certain one."""
    wanted, took = expected_kernel(record.workload.impl), record.backend.removesuffix(" (cpu)")
    fits = took != "math" if wanted == ANY_KERNEL else took == wanted
    if not wanted or not took or fits:
        return None
    unfused = "its unfused path (math)" if took == "math" else record.backend
    asked = "fused" if wanted == ANY_KERNEL else wanted
    return Doubt(
        name="other kernel",
        grade="C",
        text=f"torch used {unfused} instead of its {asked} attention",
        advice="use a dtype, head width and mask that the kernel supports",
    )


_DOUBTS = (_few_samples, _wide_interval, _contention, _drift, _unsteady, _clocks, _throttled)

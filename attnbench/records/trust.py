"""Grade how far a latency can be trusted, with the reasons for the grade.

A: no doubts. B: good enough for a rough comparison. C: do not quote it. Each doubt has a name,
thresholds and advice; the worst doubt sets the grade. Grades are not stored but computed from the
samples and conditions in the record, so a better rule also regrades old records.

| doubt | B | C |
|---|---|---|
| few samples | under 30 | under 6: the median has no 95 % interval |
| no interval | | the samples are too alike, or span under half a second |
| wide interval | over 5 % of the median | over 15 % |
| contention | others used over 0.1 cores | over 0.5, unless enough samples are undisturbed |
| disturbed | under half of the samples are undisturbed | under 10 of them, and under half |
| drift | medians of the first and last third differ by over 3 %, intervals apart | over 10 % |
| unsteady | calls were not steady at the end of the longest warm-up | |
| two modes | the samples have two peaks, 15 % apart or more | |
| clocks | the GPU's clock dropped by over 5 % while sampling | over 15 % |
| throttled | | the GPU's driver lowered the clock because of heat or power |
| other kernel | | torch used another kernel than asked for, or its unfused path |
| denormal numbers | over 0.1 % of the computed values are too small for a normal one | over 1 % |
| faster than the machine | | the counted work cannot be done in this time |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attnbench.records import CostRecord
from attnbench.records.doubts.doubt import Doubt, Grade
from attnbench.records.doubts.impossible import faster_than_any_machine
from attnbench.records.doubts.kernel import other_kernel
from attnbench.records.doubts.machine import (
    clocks_doubt,
    contention_doubt,
    disturbed,
    throttled,
)
from attnbench.records.doubts.modes import two_modes
from attnbench.records.doubts.samples import (
    drift,
    few_samples,
    no_interval,
    unsteady,
    wide_interval,
)
from attnbench.records.doubts.values import denormal_numbers
from attnbench.records.latency import Latency

OF_LATENCY = (
    few_samples, no_interval, wide_interval, contention_doubt, disturbed, drift, unsteady,
    clocks_doubt, throttled, two_modes,
)  # fmt: skip
"""Doubts that a latency raises by itself."""
OF_RECORD = (other_kernel, denormal_numbers, faster_than_any_machine)
"""Doubts that need the whole record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The grade of a latency and its doubts, the worst first."""

    grade: Grade
    doubts: tuple[Doubt, ...]


FULL = Trust(grade="A", doubts=())


def trust_in(record: CostRecord) -> Trust:
    """Grade the latency of a record that has one."""
    assert record.latency is not None
    return _trust([*_doubts(record.latency), *(doubt(record) for doubt in OF_RECORD)])


def trust_with(trust: Trust, doubt: Doubt | None) -> Trust:
    """The same trust with one more doubt; a doubt of that name takes its place."""
    if doubt is None:
        return trust
    return _trust([*(known for known in trust.doubts if known.name != doubt.name), doubt])


def trust_in_latency(latency: Latency) -> Trust:
    """Grade a latency without a cell, such as that of a ceiling."""
    return _trust(_doubts(latency))


def _doubts(latency: Latency) -> list[Doubt | None]:
    return [doubt(latency) for doubt in OF_LATENCY]


def _trust(found: Sequence[Doubt | None]) -> Trust:
    doubts = [doubt for doubt in found if doubt is not None]
    if not doubts:
        return FULL
    doubts.sort(key=lambda doubt: doubt.grade, reverse=True)
    return Trust(grade=doubts[0].grade, doubts=tuple(doubts))

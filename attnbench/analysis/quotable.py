"""What is good enough to conclude from: a latency graded A or B whose interval is known.

A latency graded C must not be quoted. It is shown, with its grade, but no limit, crossover,
exponent, prediction, place on a frontier, claim or verdict rests on it: those say that the cell is
"not measured well enough", and what to run. All code that concludes anything asks this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from attnbench.records import CostRecord
from attnbench.records.doubts.doubt import Grade
from attnbench.records.latency import Latency
from attnbench.records.trust import Trust, trust_in, trust_in_latency

if TYPE_CHECKING:  # comparisons ask this module, and load no pandas
    import pandas as pd

Graded = TypeVar("Graded", bound=CostRecord)

DOUBTFUL: Grade = "C"
"""Nothing is concluded from a latency of this grade."""
POOR = "not measured well enough"
"""Stands in place of a conclusion."""


def holds(trust: Trust, latency: Latency) -> bool:
    """Whether a latency with that grade is good enough to conclude from."""
    return trust.grade != DOUBTFUL and latency.interval_s is not None


def is_quotable(record: CostRecord) -> bool:
    """Whether the record has a latency that is good enough to conclude from."""
    return record.latency is not None and holds(trust_in(record), record.latency)


def latency_is_quotable(latency: Latency) -> bool:
    """The same for a latency without a cell, such as that of a ceiling."""
    return holds(trust_in_latency(latency), latency)


def quotable(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a frame whose latency is good enough to conclude from."""
    return rows[rows["quotable"]]


def poor(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a frame that have a latency, which is not good enough to conclude from."""
    return rows[rows["latency_s"].notna() & ~rows["quotable"]]


class Grades:
    """The grade of each record, worked out once: a baseline is asked for by many cells."""

    def __init__(self, trust: Callable[[CostRecord], Trust] = trust_in) -> None:
        """`trust` grades a record that has a latency."""
        self._trust = trust
        self._known: dict[int, tuple[CostRecord, Trust, bool]] = {}

    def of(self, record: CostRecord) -> Trust:
        """The grade of a record with a latency."""
        return self._judged(record)[1]

    def allow(self, record: CostRecord) -> bool:
        """Whether it has a latency that is good enough to conclude from."""
        return record.latency is not None and self._judged(record)[2]

    def allowed(self, records: Iterable[Graded]) -> list[Graded]:
        """Those that are good enough to conclude from."""
        return [record for record in records if self.allow(record)]

    def _judged(self, record: CostRecord) -> tuple[CostRecord, Trust, bool]:
        known = self._known.get(id(record))
        if known is None:
            assert record.latency is not None
            trust = self._trust(record)
            # The record is kept beside its grade, so that its address is not used again.
            known = record, trust, holds(trust, record.latency)
            self._known[id(record)] = known
        return known

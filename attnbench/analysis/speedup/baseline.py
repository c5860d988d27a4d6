"""Choose the baseline of a speed-up: the dense cell that a layer is compared with.

It is the fastest `dense` cell measured in the same rounds. If there is none, it is the fastest
with the same grid, width, heads, batch, dtype, mode and machine. Tables, figures, crossovers and
predictions all take their baseline from here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from attnbench.records import LayerRecord
from attnbench.records.latency import Ratio, speed_ups

BASELINE = "dense"
Conditions = tuple[Hashable, ...]
Cell = TypeVar("Cell")


def is_baseline(attention: str) -> bool:
    """Whether this mechanism can be the baseline of speed-ups."""
    return attention == BASELINE


def fastest(cells: Iterable[Cell], seconds: Callable[[Cell], float]) -> Cell | None:
    """The baseline among dense cells: the fastest; None if there are none."""
    return min(cells, key=seconds, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A layer's speed-up and its baseline."""

    baseline: LayerRecord
    ratio: Ratio


class Baselines:
    """The fastest dense cells, looked up by the conditions of the compared cell."""

    def __init__(self, measured: Iterable[LayerRecord], shown: Iterable[LayerRecord]) -> None:
        """Take baselines of the same rounds from `measured`, others from `shown`.

        A dense cell that was measured again is in a new round. Its older record still is the
        fairest baseline for the cells sampled in turn with it.
        """
        self._in_rounds = _fastest_of_each(record for record in measured if _round(record))
        self._elsewhere = _fastest_of_each(shown, by_round=False)

    def of(self, record: LayerRecord) -> LayerRecord | None:
        """The baseline of a layer; None if either has no latency."""
        if record.latency is None:
            return None
        conditions = _conditions(record)
        in_rounds = self._in_rounds.get((*conditions, _round(record)))
        return in_rounds or self._elsewhere.get((*conditions, ""))

    def compare(self, record: LayerRecord) -> Compared | None:
        """The layer's speed-up over its baseline; None if either has no latency."""
        return self.compare_all([record])[0]

    def compare_all(self, records: Sequence[LayerRecord]) -> list[Compared | None]:
        """The same of many layers, which is quicker than one by one."""
        baselines = [self.of(record) for record in records]
        found: list[Compared | None] = [None] * len(records)
        others = []
        for at, (record, baseline) in enumerate(zip(records, baselines, strict=True)):
            if baseline is record:
                itself = Ratio(value=1.0, interval=None, paired=True)
                found[at] = Compared(baseline=record, ratio=itself)
            elif baseline is not None and baseline.latency and record.latency:
                others.append((at, baseline, (baseline.latency, record.latency)))
        ratios = speed_ups([pair for _, _, pair in others])
        for (at, baseline, _), ratio in zip(others, ratios, strict=True):
            found[at] = Compared(baseline=baseline, ratio=ratio)
        return found


def _fastest_of_each(
    records: Iterable[LayerRecord], by_round: bool = True
) -> dict[Conditions, LayerRecord]:
    alike: dict[Conditions, list[LayerRecord]] = {}
    for record in records:
        if _is_measured_baseline(record):
            rounds = _round(record) if by_round else ""
            alike.setdefault((*_conditions(record), rounds), []).append(record)
    found = {conditions: fastest(cells, _median_s) for conditions, cells in alike.items()}
    return {conditions: record for conditions, record in found.items() if record is not None}


def _is_measured_baseline(record: LayerRecord) -> bool:
    measured = record.latency is not None and record.status == "ok"
    return measured and is_baseline(record.workload.attention)


def _median_s(record: LayerRecord) -> float:
    assert record.latency is not None
    return record.latency.median_s


def _round(record: LayerRecord) -> str:
    return record.latency.rounds_with if record.latency else ""


def _conditions(record: LayerRecord) -> Conditions:
    w = record.workload
    size = (w.grid, w.dim, w.num_heads, w.batch)
    return *size, w.dtype, w.mode, w.seed, record.environment.conditions

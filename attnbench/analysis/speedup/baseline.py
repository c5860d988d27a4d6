"""How many times faster than dense attention: which cell is the baseline of which.

The baseline of a cell is the fastest `dense` cell that was measured in the same rounds or, where
there is none, the fastest of the same conditions: grid, width, heads, batch, dtype, mode, machine.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from attnbench.records import CostRecord
from attnbench.records.latency import Ratio, speed_up
from attnbench.spec import Workload

BASELINE = "dense"
Conditions = tuple[Hashable, ...]


def implementation(workload: Workload) -> str:
    """The mechanism with the code behind it: "dense (sdpa)"."""
    return f"{workload.attention} ({workload.impl})"


class Baselines:
    """The fastest dense cells, found by the conditions of the cell that is compared."""

    def __init__(self, measured: Iterable[CostRecord], shown: Iterable[CostRecord]) -> None:
        """Round partners are sought among all that was `measured`, the rest among the `shown`.

        A cell that was measured again has left its round, yet its old samples remain the fairest
        partner of the others that were taken in turn with it.
        """
        self._in_rounds = _fastest(record for record in measured if _round(record))
        self._elsewhere = _fastest((record for record in shown), by_round=False)

    def of(self, record: CostRecord) -> CostRecord | None:
        """The baseline of a layer; None where either was not measured."""
        if record.latency is None or not isinstance(record.workload, Workload):
            return None
        conditions = _conditions(record)
        in_rounds = self._in_rounds.get((*conditions, _round(record)))
        return in_rounds or self._elsewhere.get((*conditions, ""))

    def speed_up(self, record: CostRecord) -> tuple[str, Ratio] | None:
        """The baseline's name and the ratio; None where either was not measured."""
        baseline = self.of(record)
        if baseline is None or baseline.latency is None or record.latency is None:
            return None
        assert isinstance(baseline.workload, Workload)
        name = implementation(baseline.workload)
        if baseline is record:
            return name, Ratio(value=1.0, interval=None, paired=True)
        return name, speed_up(baseline.latency, record.latency)


def _fastest(records: Iterable[CostRecord], by_round: bool = True) -> dict[Conditions, CostRecord]:
    fastest: dict[Conditions, tuple[float, CostRecord]] = {}
    for record in records:
        if not _is_dense(record) or record.latency is None:
            continue
        place = (*_conditions(record), _round(record) if by_round else "")
        median_s = record.latency.median_s
        if place not in fastest or median_s < fastest[place][0]:
            fastest[place] = median_s, record
    return {place: record for place, (_, record) in fastest.items()}


def _is_dense(record: CostRecord) -> bool:
    workload = record.workload
    dense = isinstance(workload, Workload) and workload.attention == BASELINE
    return dense and record.status == "ok"


def _round(record: CostRecord) -> str:
    return record.latency.rounds_with if record.latency else ""


def _conditions(record: CostRecord) -> Conditions:
    w = record.workload
    assert isinstance(w, Workload)
    return w.grid, w.dim, w.num_heads, w.batch, w.dtype, w.mode, record.environment.conditions

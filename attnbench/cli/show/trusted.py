"""The trust in a record beside the limits that were measured here, if they were."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from attnbench.analysis.limits.impossible import trust_beside
from attnbench.analysis.limits.roofline import Ceilings
from attnbench.analysis.quotable import holds
from attnbench.benchmark.recorder import CEILINGS
from attnbench.records import CostRecord, store
from attnbench.records.trust import Trust


def trust_in(record: CostRecord) -> Trust:
    """The trust in a record that has a latency."""
    if not CEILINGS.exists():
        return trust_beside(record, Ceilings())
    return trust_beside(record, _read(CEILINGS.resolve(), CEILINGS.stat().st_mtime_ns))


def is_quotable(record: CostRecord) -> bool:
    """Whether the record has a latency that is good enough to conclude from."""
    return record.latency is not None and holds(trust_in(record), record.latency)


@lru_cache(maxsize=1)
def _read(file: Path, changed_ns: int) -> Ceilings:
    """The limits in a file, read once as long as it does not change."""
    return Ceilings(store.read(file).ceilings)

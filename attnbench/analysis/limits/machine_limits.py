"""The measured limits of one machine for one dtype, from its ceilings.

A limit rests only on ceilings that are good enough to conclude from (`quotable`): the newest of
them for each operation and size. If one of the ceilings that a limit is the best of has none, the
limit is unknown, since the true one may be higher.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from attnbench.analysis.quotable import latency_is_quotable
from attnbench.records import Ceiling


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The measured limits of one machine for one dtype; None if not measured well enough."""

    macs_per_s: float | None
    """Best rate of matrix products."""
    copies: tuple[tuple[int, float | None], ...]
    """(bytes read and written, bytes per second) of each copy, the smallest first."""
    operator_s: float | None
    """Time of an operator that does almost nothing."""

    def bytes_per_s(self, touched_bytes: int) -> float | None:
        """The best bandwidth of copies that touch at least so many bytes, else of the largest."""
        rates = [rate for size, rate in self.copies if size >= touched_bytes]
        return _best(rates) if rates else self.memory_bytes_per_s

    @property
    def memory_bytes_per_s(self) -> float | None:
        """Bandwidth of the largest copy, which fits in no cache."""
        return self.copies[-1][1]

    @property
    def cache_bytes_per_s(self) -> float | None:
        """The best bandwidth of any copy."""
        return _best([rate for _, rate in self.copies])


def _best(rates: Sequence[float | None]) -> float | None:
    """The highest rate; None if one of them is not known well enough: it might be the highest."""
    known = [rate for rate in rates if rate is not None]
    return max(known) if len(known) == len(rates) else None


def newest_ceilings(ceilings: Iterable[Ceiling]) -> list[Ceiling]:
    """The newest ceiling of each machine, dtype, operation and size, in order of appearance."""
    newest: dict[Hashable, Ceiling] = {}
    for ceiling in ceilings:
        cell = _cell_of(ceiling)
        if cell not in newest or ceiling.created >= newest[cell].created:
            newest[cell] = ceiling
    return list(newest.values())


def _cell_of(ceiling: Ceiling) -> Hashable:
    return ceiling.environment.conditions, ceiling.dtype, ceiling.operation, ceiling.size


def best_known(ceilings: Iterable[Ceiling]) -> list[Ceiling]:
    """The newest ceiling of each cell that is good enough to conclude from, else the newest."""
    every = list(ceilings)
    good = newest_ceilings(c for c in every if latency_is_quotable(c.latency))
    settled = {_cell_of(ceiling) for ceiling in good}
    return [*good, *(c for c in newest_ceilings(every) if _cell_of(c) not in settled)]


def limits_of(found: Sequence[Ceiling]) -> Limits | None:
    """The limits of one machine and dtype; None unless all three operations were measured."""
    products = [_if_known(c, c.macs_per_s) for c in found if c.operation == "matmul"]
    copies = [(c.moved_bytes, _if_known(c, c.bytes_per_s)) for c in found if c.operation == "copy"]
    launches = [_if_known(c, c.operator_s) for c in found if c.operation == "launch"]
    if not (products and copies and launches):
        return None
    operator_s = None if None in launches else min(filter(None, launches))
    in_order = sorted(copies, key=lambda copy: copy[0])
    return Limits(macs_per_s=_best(products), copies=tuple(in_order), operator_s=operator_s)


def _if_known(ceiling: Ceiling, value: float) -> float | None:
    return value if latency_is_quotable(ceiling.latency) else None

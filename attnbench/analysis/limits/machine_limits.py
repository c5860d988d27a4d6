"""The measured limits of one machine for one dtype, from its ceilings.

A limit rests only on ceilings that are good enough to conclude from (`quotable`): the newest of
them for each operation and size. If another of the ceilings that a limit is the best of may be
higher, by the fastest of its samples, the limit is known from below only (`Rate.exact`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from attnbench.analysis.quotable import latency_is_quotable
from attnbench.records import Ceiling


@dataclass(frozen=True, slots=True)
class Rate:
    """How much work a machine does in a second, as the best of several ceilings shows it."""

    per_s: float
    """The best rate that was measured well enough."""
    exact: bool
    """False if a ceiling that was not measured well enough may be higher."""

    @property
    def if_exact(self) -> float | None:
        """The rate; None if the true one may be higher."""
        return self.per_s if self.exact else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OneRate:
    """The rate of one ceiling."""

    work: int
    """Multiply-accumulates, or bytes read and written."""
    per_s: float | None
    """None if it was not measured well enough."""
    most_per_s: float
    """By the fastest sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The measured limits of one machine for one dtype; None if not measured well enough."""

    products: Rate | None
    """Best rate of matrix products, in MACs per second."""
    copies: tuple[OneRate, ...]
    """The rate of each copy, in bytes per second, the smallest first."""
    operator_s: float | None
    """Time of an operator of a small layer."""

    @property
    def macs_per_s(self) -> float | None:
        """Best rate of matrix products."""
        return self.products.if_exact if self.products else None

    def bandwidth(self, touched_bytes: int) -> Rate | None:
        """The best rate of copies that touch at least so many bytes, else of the largest."""
        as_large = [copy for copy in self.copies if copy.work >= touched_bytes]
        return best_of(as_large or self.copies[-1:])

    def bytes_per_s(self, touched_bytes: int) -> float | None:
        """The same bandwidth; None if a higher one is possible."""
        return _if_exact(self.bandwidth(touched_bytes))

    @property
    def memory_bytes_per_s(self) -> float | None:
        """Bandwidth of the largest copy, which fits in no cache."""
        return self.copies[-1].per_s

    @property
    def cache_bytes_per_s(self) -> float | None:
        """The best bandwidth of any copy."""
        return _if_exact(best_of(self.copies))


def _if_exact(rate: Rate | None) -> float | None:
    return rate.if_exact if rate else None


def best_of(rates: Sequence[OneRate]) -> Rate | None:
    """The best rate; None if none of them was measured well enough."""
    known = [rate.per_s for rate in rates if rate.per_s is not None]
    if not known:
        return None
    best = max(known)
    return Rate(best, all(r.per_s is not None or r.most_per_s <= best for r in rates))


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
    products = [_one_rate(c, c.macs) for c in found if c.operation == "matmul"]
    copies = [_one_rate(c, c.moved_bytes) for c in found if c.operation == "copy"]
    launches = [c for c in found if c.operation == "launch"]
    if not (products and copies and launches):
        return None
    known = [c.operator_s for c in launches if latency_is_quotable(c.latency)]
    return Limits(
        products=best_of(products),
        copies=tuple(sorted(copies, key=lambda copy: copy.work)),
        operator_s=min(known) if len(known) == len(launches) else None,
    )


def _one_rate(ceiling: Ceiling, work: int) -> OneRate:
    latency = ceiling.latency
    per_s = work / latency.median_s if latency_is_quotable(latency) else None
    return OneRate(work=work, per_s=per_s, most_per_s=work / min(latency.samples_s))

"""How near a cell comes to what its machine can do, and what binds the code that ran.

**The limit** of a cell is the larger of two times that no code can beat:

- compute: the multiply-accumulates of its mode ÷ the best rate of products of its dtype;
- bandwidth: the bytes that any code must move ÷ the bandwidth of copies. A copy counts if it
  touches at least as many bytes as the cell does, so that both are served by the same cache, and
  the fastest of these is taken; after a flushed cache, or for more bytes than any copy touched,
  it is the largest copy.

The share limit ÷ latency is above 1 only by noise, or where a ceiling was measured too low.

**What binds** the code that ran is the longest of three times. Three that explain a latency, one
after the other, have one of a third of it at least; where none is that long, it is unexplained:

- compute: as above;
- bandwidth: the bytes that this code moves ÷ the bandwidth of copies that touch as much as the call
  holds at once. Unfused code moves `traffic_bytes`; of fused code only the least is known;
- launch: on the CPU, operators × the time of one that does almost nothing. On a GPU launches run
  beside the work, so they bind where the host takes as long as the device, and else not at all.

Bytes and operators are counted of the forward pass. Other modes have a limit all the same: a
gradient is as large as what it belongs to, so `forward+backward` and `train` move the least bytes
twice, and `backward` moves them once. What binds these modes is not known, unless it is the host.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Literal

from attnbench.impls import is_fused
from attnbench.records import Ceiling, CostRecord

BoundBy = Literal["", "compute", "bandwidth", "launch", "unexplained"]

EXPLAINED_FROM = 1 / 3
"""Share of the latency from which the longest of the three times counts as what binds."""
LEAST_BYTES_TIMES = {"forward": 1, "backward": 1, "forward+backward": 2, "train": 2}
"""How often a mode moves the least bytes of the forward pass, at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one machine can do with one dtype."""

    macs_per_s: float
    """Best rate of products."""
    copies: tuple[tuple[int, float], ...]
    """Bytes that a copy reads and writes, and bytes per second; the smallest copy first."""
    operator_s: float
    """Time of an operator that does almost nothing."""

    def bytes_per_s(self, touched_bytes: int) -> float:
        """The best bandwidth of a copy that touches at least so many bytes, or of the largest."""
        rates = [rate for size, rate in self.copies if size >= touched_bytes]
        return max(rates, default=self.memory_bytes_per_s)

    @property
    def memory_bytes_per_s(self) -> float:
        """Bandwidth of the largest copy, which no cache holds."""
        return self.copies[-1][1]

    @property
    def cache_bytes_per_s(self) -> float:
        """The best bandwidth of any copy."""
        return max(rate for _, rate in self.copies)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A cell compared with the limits of its machine; None and "" where that is not known."""

    limit_s: float | None
    percent_of_limit: float | None
    """Limit ÷ latency, a share."""
    bound_by: BoundBy


NOWHERE = Placement(limit_s=None, percent_of_limit=None, bound_by="")


class Ceilings:
    """The limits of every machine and dtype of which all three operations were measured."""

    def __init__(self, ceilings: Iterable[Ceiling] = ()) -> None:
        by_machine: dict[Hashable, list[Ceiling]] = {}
        for ceiling in newest_ceilings(ceilings):
            machine = ceiling.environment.conditions, ceiling.dtype
            by_machine.setdefault(machine, []).append(ceiling)
        self._limits = {machine: _limits(found) for machine, found in by_machine.items()}

    def of(self, record: CostRecord) -> Limits | None:
        """The limits of the machine and the dtype of a cell, where they are known."""
        if not self._limits:  # spares large reports without limits a third of all hashing
            return None
        return self._limits.get((record.environment.conditions, record.workload.dtype))

    def place(self, record: CostRecord) -> Placement:
        """The cell compared with the limits of its machine."""
        limits = self.of(record)
        return NOWHERE if limits is None else placement(record, limits)


def newest_ceilings(ceilings: Iterable[Ceiling]) -> list[Ceiling]:
    """The newest of each machine, dtype, operation and size, in the order of the first of each."""
    newest: dict[Hashable, Ceiling] = {}
    for ceiling in ceilings:
        cell = ceiling.environment.conditions, ceiling.dtype, ceiling.operation, ceiling.size
        if cell not in newest or ceiling.created >= newest[cell].created:
            newest[cell] = ceiling
    return list(newest.values())


def _limits(found: list[Ceiling]) -> Limits | None:
    products = [c.macs_per_s for c in found if c.operation == "matmul"]
    copies = [(c.moved_bytes, c.bytes_per_s) for c in found if c.operation == "copy"]
    launches = [c.operator_s for c in found if c.operation == "launch"]
    if not (products and copies and launches):
        return None
    return Limits(macs_per_s=max(products), copies=tuple(sorted(copies)), operator_s=min(launches))


def placement(record: CostRecord, limits: Limits) -> Placement:
    """Compare a cell with the limits of its machine."""
    if record.latency is None:
        return NOWHERE
    compute_s, bandwidth_s = _compute_s(record, limits), _least_s(record, limits)
    limit_s = None if compute_s is None or bandwidth_s is None else max(compute_s, bandwidth_s)
    return Placement(
        limit_s=limit_s,
        percent_of_limit=None if limit_s is None else limit_s / record.latency.median_s,
        bound_by=_bound_by(record, limits),
    )


def can_be_placed(record: CostRecord) -> bool:
    """Whether the record holds what a limit is worked out from."""
    counted = macs_of_mode(record) is not None and record.least_bytes is not None
    return counted and record.latency is not None


def macs_of_mode(record: CostRecord) -> int | None:
    """Multiply-accumulates of what was timed, not of the forward pass alone."""
    if record.macs is None:
        return None
    forward, training = record.macs.products_macs, record.macs.training_macs
    if record.workload.mode == "forward":
        return forward
    if training is None:
        return None
    return training - forward if record.workload.mode == "backward" else training


def moved_bytes(record: CostRecord) -> int | None:
    """Bytes that one forward call of the code that ran moves; of fused code the least."""
    return record.least_bytes if runs_fused(record) else record.traffic_bytes


def runs_fused(record: CostRecord) -> bool:
    """Whether a fused kernel did the attention: what torch chose says it, else what was asked."""
    kernels = set(record.backend.split(", ")) - {""}
    if kernels:
        return kernels != {"math"}
    asked = record.workload.impl
    return bool(asked) and is_fused(asked)


def touched_bytes(record: CostRecord) -> int | None:
    """Bytes that a call holds at once: what comes in, and what it allocates at its peak."""
    if record.least_bytes is None:
        return None
    return record.least_bytes + (record.memory.peak_net_bytes if record.memory else 0)


def _compute_s(record: CostRecord, limits: Limits) -> float | None:
    macs = macs_of_mode(record)
    return None if macs is None else macs / limits.macs_per_s


def _least_s(record: CostRecord, limits: Limits) -> float | None:
    """Seconds to move the bytes that any code must move."""
    if record.least_bytes is None or record.latency is None:
        return None
    least = LEAST_BYTES_TIMES[record.workload.mode] * record.least_bytes
    cold = record.latency.cache == "cold"
    return least / (limits.memory_bytes_per_s if cold else limits.bytes_per_s(least))


def _bound_by(record: CostRecord, limits: Limits) -> BoundBy:
    assert record.latency is not None
    if record.latency.is_launch_bound:
        return "launch"
    times = _times(record, limits)
    if times is None:
        return ""
    longest = max(times, key=lambda name: times[name])
    return longest if times[longest] >= EXPLAINED_FROM * record.latency.median_s else "unexplained"


def _times(record: CostRecord, limits: Limits) -> dict[BoundBy, float] | None:
    """Seconds that each of the three would take alone; None where one of them is not known."""
    compute_s, least_s = _compute_s(record, limits), _least_s(record, limits)
    moved, touched = moved_bytes(record), touched_bytes(record)
    if record.workload.mode != "forward" or record.operators is None:
        return None
    if compute_s is None or least_s is None or moved is None or touched is None:
        return None
    times: dict[BoundBy, float] = {
        "compute": compute_s,
        "bandwidth": max(least_s, moved / limits.bytes_per_s(touched)),
    }
    if record.environment.device == "cpu":
        times["launch"] = record.operators * limits.operator_s
    return times

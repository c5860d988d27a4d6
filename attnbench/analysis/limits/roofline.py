"""Roofline: how close a cell comes to its machine's limit, and which resource is its bottleneck.

**The limit** of a cell is the larger of two times that no code can beat:

- compute: the MACs of its mode ÷ the best measured rate of matrix products in its dtype;
- bandwidth: the bytes that any code must move ÷ the bandwidth of the fastest copy that touches at
  least as many bytes, so that the same level of cache serves both. If the cache was flushed, or no
  copy touches as many bytes, the largest copy is used.

Limit ÷ latency exceeds 1 only by noise, or if a ceiling was measured too low.

**The bottleneck** (`bound_by`) is the longest of three times, if it is at least a third of the
latency; otherwise it is "unexplained". If the three times, one after the other, make up the
latency, one of them must be at least a third of it:

- compute: as above;
- bandwidth: the bytes that this code moves ÷ the bandwidth of copies that touch as many bytes as
  the call holds at once. Unfused code moves `traffic_bytes`; for fused code only the least number
  of bytes is known;
- launch: on the CPU, the number of operators × the time of an operator of a small layer. On a GPU
  launches overlap with the work, so a cell is launch-bound only if the host takes as long as the
  device.

**Grade C.** A cell whose latency is graded C has neither share nor bottleneck. A limit that was
not measured well enough is known from below (see `machine_limits`): a time by it is "at most" so
long. It may lose against a longer one; if it is the longest, share or bottleneck are unknown.

Bytes and operators are counted for the forward pass. The limit also covers other modes: a gradient
is as large as its tensor, so `forward+backward` and `train` move the least bytes twice, `backward`
once. The bottleneck of these modes is unknown, unless they are launch-bound by the host's time.
"""

from __future__ import annotations

import sys
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from attnbench.analysis.limits.machine_limits import Limits, Rate, best_known, limits_of
from attnbench.analysis.quotable import is_quotable
from attnbench.impls import is_fused
from attnbench.records import Ceiling, CostRecord
from attnbench.records.mode_macs import macs_of_mode

BoundBy = Literal["", "compute", "bandwidth", "launch", "unexplained"]

EXPLAINED_FROM = 1 / 3
"""The longest of the three times is the bottleneck from this share of the latency on."""
LEAST_BYTES_TIMES = {"forward": 1, "backward": 1, "forward+backward": 2, "train": 2}
"""How many times each mode moves the least bytes of the forward pass, at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A cell compared with its machine's limits; None and "" where unknown."""

    limit_s: float | None = None
    percent_of_limit: float | None = None
    """Limit ÷ latency, as a share."""
    bound_by: BoundBy = ""
    launch_each_s: float | None = None
    """Seconds to launch one operator, if the cell is bound by launches."""
    poor: Literal["", "latency", "limit"] = ""
    """What was not measured well enough to place the cell; "" if it was, or is not known at all."""


class Time(NamedTuple):
    """How long a resource takes: the longest of several is the greatest of them."""

    seconds: float
    exact: bool
    """False if that is the most that it takes: its rate may be higher."""


class Ceilings:
    """The limits of each machine and dtype for which all three operations were measured."""

    def __init__(self, ceilings: Iterable[Ceiling] = ()) -> None:
        by_machine: dict[Hashable, list[Ceiling]] = {}
        for ceiling in best_known(ceilings):
            machine = ceiling.environment.conditions, ceiling.dtype
            by_machine.setdefault(machine, []).append(ceiling)
        self._limits = {machine: limits_of(found) for machine, found in by_machine.items()}

    def of(self, record: CostRecord) -> Limits | None:
        """The limits of a cell's machine and dtype; None if unknown."""
        if not self._limits:  # saves large reports without limits a third of all hashing
            return None
        return self._limits.get((record.environment.conditions, record.workload.dtype))

    def place(self, record: CostRecord) -> Placement:
        """The cell compared with the limits of its machine."""
        limits = self.of(record)
        if limits is None:
            return Placement()
        return placement(record, limits) if is_quotable(record) else unplaced(record, limits)


def placement(record: CostRecord, limits: Limits) -> Placement:
    """Compare a cell, whose latency is good enough to conclude from, with its machine's limits."""
    if record.latency is None:
        return Placement()
    limit_s = _limit_s(record, limits)
    bound_by = _bound_by(record, limits)
    return Placement(
        limit_s=limit_s,
        percent_of_limit=None if limit_s is None else limit_s / record.latency.median_s,
        bound_by=bound_by,
        launch_each_s=_launch_each_s(record) if bound_by == "launch" else None,
        poor="limit" if limit_s is None and can_be_placed(record) else "",
    )


def unplaced(record: CostRecord, limits: Limits) -> Placement:
    """The limit of a cell whose latency is not good enough to be compared with it."""
    poor: Literal["", "latency"] = "latency" if can_be_placed(record) else ""
    return Placement(limit_s=_limit_s(record, limits), poor=poor)


def _limit_s(record: CostRecord, limits: Limits) -> float | None:
    compute, bandwidth = _compute(record, limits), _least(record, limits)
    if compute is None or bandwidth is None:
        return None
    longest = max(compute, bandwidth)
    return longest.seconds if longest.exact else None


def _launch_each_s(record: CostRecord) -> float | None:
    """Seconds of each operator: of the host's time where it is known, else of the latency."""
    assert record.latency is not None
    whole_s = record.latency.host_s or record.latency.median_s
    return whole_s / record.operators if record.operators else None


def can_be_placed(record: CostRecord) -> bool:
    """Whether the record has a latency and the counts that a limit needs."""
    counted = macs_of_mode(record) is not None and record.least_bytes is not None
    return counted and record.latency is not None


def moved_bytes(record: CostRecord) -> int | None:
    """Bytes that one forward call moves; for fused code the least possible."""
    return record.least_bytes if runs_fused(record) else record.traffic_bytes


def runs_fused(record: CostRecord) -> bool:
    """Whether a fused kernel ran: by the backend that torch chose, else by the `impl` asked for."""
    return _is_fused(record.backend, record.workload.impl)


@lru_cache(maxsize=4096)
def _is_fused(backend: str, asked: str) -> bool:
    kernels = set(backend.split(", ")) - {""}
    if kernels:
        return kernels != {"math"}
    return bool(asked) and is_fused(asked)


def touched_bytes(record: CostRecord) -> int | None:
    """Bytes that a call holds at once: `least_bytes` plus its net peak of memory."""
    if record.least_bytes is None:
        return None
    return record.least_bytes + (record.memory.peak_net_bytes if record.memory else 0)


def _compute(record: CostRecord, limits: Limits) -> Time | None:
    return _time(macs_of_mode(record), limits.products)


def _least(record: CostRecord, limits: Limits) -> Time | None:
    """Time to move the least bytes."""
    if record.least_bytes is None or record.latency is None:
        return None
    least = LEAST_BYTES_TIMES[record.workload.mode] * record.least_bytes
    cold = record.latency.cache == "cold"
    return _time(least, limits.bandwidth(sys.maxsize if cold else least))


def _bound_by(record: CostRecord, limits: Limits) -> BoundBy:
    assert record.latency is not None
    if record.latency.is_launch_bound:
        return "launch"
    times = _times(record, limits)
    if times is None:
        return ""
    longest = max(times, key=lambda name: times[name])
    if not times[longest].exact:
        return ""
    explained = times[longest].seconds >= EXPLAINED_FROM * record.latency.median_s
    return longest if explained else "unexplained"


def _times(record: CostRecord, limits: Limits) -> dict[BoundBy, Time] | None:
    """How long each resource would take alone; None if one of them is unknown."""
    if record.workload.mode != "forward" or record.operators is None:
        return None
    compute, least = _compute(record, limits), _least(record, limits)
    touched = touched_bytes(record)
    moved = None if touched is None else _time(moved_bytes(record), limits.bandwidth(touched))
    if compute is None or least is None or moved is None:
        return None
    times: dict[BoundBy, Time] = {"compute": compute, "bandwidth": max(least, moved)}
    if record.environment.device == "cpu":
        if limits.operator_s is None:
            return None
        times["launch"] = Time(record.operators * limits.operator_s, exact=True)
    return times


def _time(work: int | None, rate: Rate | None) -> Time | None:
    """The time of some work; None if the work or the rate is unknown."""
    return None if work is None or rate is None else Time(work / rate.per_s, rate.exact)

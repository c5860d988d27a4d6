"""Explain why a measured speed-up differs from the ratio of MACs (multiply-accumulates).

If all code ran at the same MAC rate, the speed-up of a layer over dense attention would equal the
ratio of their MACs. If the two differ by more than a factor of 1.25, one of the two cells has the
lower MAC rate, and its bottleneck is given as the reason. Reasons come from the records only: they
are consistent with the numbers, not proven by them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from attnbench.analysis.limits.launches import launches_text
from attnbench.analysis.limits.machine_limits import Limits
from attnbench.analysis.limits.roofline import (
    Ceilings,
    moved_bytes,
    placement,
    runs_fused,
    touched_bytes,
)
from attnbench.records import CostRecord
from attnbench.records.mode_macs import macs_of_mode
from attnbench.spec import identity
from attnbench.units import (
    format_bandwidth,
    format_bytes,
    format_number,
    format_ratio,
    format_seconds,
)

AGREES_WITHIN = 1.25
"""Predicted and measured speed-up agree if they differ by at most this factor."""
UNEXPLAINED = "not explained by the records"


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two compared cells, with its name in the text."""

    name: str
    record: CostRecord


class Twins:
    """Pairs of cells that differ in the implementation only; they show the gain of fused code."""

    def __init__(self, shown: Iterable[CostRecord]) -> None:
        """Take the cells whose latency is good enough to conclude from."""
        self._unfused: dict[Hashable, CostRecord] = {}
        for record in shown:
            if record.latency is not None and not runs_fused(record):
                self._unfused[_apart_from_code(record)] = record

    def gain(self, record: CostRecord) -> float | None:
        """The speed-up of a fused cell over its unfused twin; None without a twin."""
        twin = self._unfused.get(_apart_from_code(record))
        if twin is None or twin.latency is None or record.latency is None:
            return None
        return twin.latency.median_s / record.latency.median_s


def _apart_from_code(record: CostRecord) -> Hashable:
    return identity(record.workload, impl=""), record.environment.conditions


def macs_speedup(record: CostRecord, baseline: CostRecord) -> float | None:
    """MACs of the baseline ÷ MACs of the cell, in the timed mode; None if unknown."""
    own, dense = macs_of_mode(record), macs_of_mode(baseline)
    return dense / own if own and dense is not None else None


def gap(
    record: CostRecord, baseline: CostRecord, speedup: float, ceilings: Ceilings, twins: Twins
) -> str:
    """Why the speed-up differs from the ratio of MACs; "" if they agree or the MACs are unknown."""
    predicted = macs_speedup(record, baseline)
    if not predicted or 1 / AGREES_WITHIN <= speedup / predicted <= AGREES_WITHIN:
        return ""
    own, dense = _Side("this one", record), _Side("dense", baseline)
    slow, fast = (own, dense) if speedup < predicted else (dense, own)
    reasons = _bound(slow, fast, ceilings.of(record)) + _fused(slow, fast, twins)
    return "; ".join(reasons) or UNEXPLAINED


def _bound(slow: _Side, fast: _Side, limits: Limits | None) -> list[str]:
    """The bottleneck of the cell with the lower MAC rate, if it is known."""
    record = slow.record
    assert record.latency is not None
    if record.latency.is_launch_bound:
        return [_subject(slow) + _launches(record, record.latency.host_s)]
    bound_by = placement(record, limits).bound_by if limits else ""
    if record.operators and bound_by == "launch":
        return [_subject(slow) + _launches(record, record.latency.median_s)]
    if limits and bound_by == "bandwidth":
        return _bandwidth(slow, fast, limits)
    return []


def _subject(slow: _Side) -> str:
    """The subject of the sentence; it is left out for "this one", the cell of the row."""
    return "" if slow.name == "this one" else f"{slow.name} is "


def _launches(record: CostRecord, launch_s: float | None) -> str:
    assert launch_s is not None
    if not record.operators:
        return f"launch-bound: the host takes {format_seconds(launch_s)} to launch it"
    return f"launch-bound: {launches_text(record.operators, launch_s / record.operators)}"


def _bandwidth(slow: _Side, fast: _Side, limits: Limits) -> list[str]:
    """Bandwidth as the reason: more bytes per MAC, or bytes from a slower level of memory."""
    more, less = (_bytes_a_mac(side.record) for side in (slow, fast))
    if more is not None and less is not None and more > AGREES_WITHIN * less:
        text = f"moves {format_number(more)} bytes per MAC, {fast.name} {format_number(less)}"
        return [f"{_subject(slow)}bandwidth-bound: {text}"]
    far, near = touched_bytes(slow.record), touched_bytes(fast.record)
    if far is None or near is None:
        return []
    slow_rate, fast_rate = limits.bytes_per_s(far), limits.bytes_per_s(near)
    if slow_rate is None or fast_rate is None or fast_rate <= AGREES_WITHIN * slow_rate:
        return []
    held_bytes = [
        f"{side.name} holds {format_bytes(held)} (copies of that size: {format_bandwidth(rate)})"
        for side, held, rate in ((slow, far, slow_rate), (fast, near, fast_rate))
    ]
    return [f"cache: {', '.join(held_bytes)}"]


def _bytes_a_mac(record: CostRecord) -> float | None:
    moved, macs = moved_bytes(record), macs_of_mode(record)
    return moved / macs if moved is not None and macs else None


def _fused(slow: _Side, fast: _Side, twins: Twins) -> list[str]:
    """Fused code on the fast side only, unless its unfused twin shows that it gains little."""
    if runs_fused(slow.record) or not runs_fused(fast.record):
        return []
    gain = twins.gain(fast.record)
    if gain is not None and gain <= AGREES_WITHIN:
        return []
    worth = "" if gain is None else f" (worth {format_ratio(gain)} to it)"
    return [f"{fast.name} runs fused code{worth}, {slow.name} does not"]

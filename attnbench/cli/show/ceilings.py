"""Print the limits of a machine as tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attnbench.analysis.limits.machine_limits import best_known, limits_of, newest_ceilings
from attnbench.analysis.quotable import POOR, latency_is_quotable
from attnbench.cli.show.columns import Column, number
from attnbench.cli.show.screen import Screen
from attnbench.cli.show.trust_notes import trust_notes
from attnbench.records import Ceiling
from attnbench.records.trust import trust_in_latency
from attnbench.units import (
    METRICS,
    format_bandwidth,
    format_bytes,
    format_mac_rate,
    format_seconds,
    format_seconds_beside,
)


def print_ceilings(ceilings: Sequence[Ceiling], screen: Screen) -> None:
    """Print a table of the newest ceilings per dtype, and a summary line."""
    shown = newest_ceilings(ceilings)
    for dtype in dict.fromkeys(ceiling.dtype for ceiling in shown):
        own = [ceiling for ceiling in shown if ceiling.dtype == dtype]
        screen.say(("Limits", "bold"), f" for {dtype}; {own[0].environment.label}", gap=True)
        heads = [Column("", whole=True), Column("trust", "center")]
        heads += [number(head) for head in ("size", "latency", "rate [95 %]")]
        screen.table(heads, [_row(ceiling) for ceiling in own])
        screen.say(_summary(dtype, own))
    for note in _doubts(shown):
        screen.say(note)


def _row(ceiling: Ceiling) -> list[str]:
    latency = ceiling.latency
    return [
        ceiling.operation,
        trust_in_latency(latency).grade,
        _size(ceiling),
        METRICS["latency_s"].format(latency.median_s),
        _rate(ceiling),
    ]


def _size(ceiling: Ceiling) -> str:
    if ceiling.operation == "matmul":
        return f"{ceiling.size:,}³"
    return format_bytes(ceiling.size) if ceiling.operation == "copy" else f"{ceiling.size} in a row"


def _rate(ceiling: Ceiling) -> str:
    """The rate with its interval in one unit. A longer latency is a lower rate."""
    low, high = ceiling.latency.interval_s or (None, None)
    if ceiling.operation == "launch":
        text = f"{format_seconds(ceiling.operator_s)} each"
        times = () if low is None or high is None else (low / ceiling.size, high / ceiling.size)
        return _with_bounds(text, [format_seconds_beside(t, ceiling.operator_s) for t in times])
    products = ceiling.operation == "matmul"
    form, work = (
        (format_mac_rate, ceiling.macs) if products else (format_bandwidth, ceiling.moved_bytes)
    )
    rates = () if low is None or high is None else (work / high, work / low)
    bounds = [form(rate).split()[0] for rate in rates]
    return _with_bounds(form(work / ceiling.latency.median_s), bounds)


def _with_bounds(text: str, bounds: Sequence[str]) -> str:
    return f"{text} [{' – '.join(bounds)}]" if bounds else text


def _summary(dtype: str, ceilings: Sequence[Ceiling]) -> str:
    """The limits of a dtype on one line; none of them rests on a latency graded C."""
    found = limits_of(best_known(ceilings))
    if found is None:
        return f"{dtype}: not all limits are measured"
    parts = [
        _limit("matrix products", found.macs_per_s, format_mac_rate),
        _limit("copies larger than the caches", found.memory_bytes_per_s, format_bandwidth),
    ]
    if found.cache_bytes_per_s != found.memory_bytes_per_s:
        parts.append(_limit("copies at best", found.cache_bytes_per_s, format_bandwidth))
    parts.append(_limit("each operator", found.operator_s, format_seconds))
    return f"{dtype}: {', '.join(parts)}"


def _limit(what: str, value: float | None, form: Callable[[float], str]) -> str:
    return f"{what} {POOR}" if value is None else f"{form(value)} for {what}"


def _name(ceiling: Ceiling) -> str:
    return f"{ceiling.operation} {_size(ceiling)}"


def _doubts(ceilings: Sequence[Ceiling]) -> list[str]:
    """The reasons for the grades, and what to run for each dtype with a limit graded C."""
    trusts = [(ceiling, trust_in_latency(ceiling.latency)) for ceiling in ceilings]
    if not any(trust.doubts for _, trust in trusts):
        return []
    notes = trust_notes([(_name(ceiling), trust) for ceiling, trust in trusts])
    poor = dict.fromkeys(c.dtype for c in ceilings if not latency_is_quotable(c.latency))
    if poor:
        notes.append(
            "no share of the limit rests on a limit graded C; stop other programs and run "
            f"`attnbench ceilings --dtype {','.join(poor)} --force`"
        )
    return notes

"""Print the limits of a machine as tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from attnbench.analysis.limits.roofline import newest_ceilings
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


def print_ceilings(ceilings: Sequence[Ceiling], console: Console) -> None:
    """Print a table of the newest ceilings per dtype, and a summary line."""
    shown = newest_ceilings(ceilings)
    for dtype in dict.fromkeys(ceiling.dtype for ceiling in shown):
        own = [ceiling for ceiling in shown if ceiling.dtype == dtype]
        console.print(f"\n[bold]Limits[/] for {dtype}; {own[0].environment.label}", highlight=False)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("", no_wrap=True)
        table.add_column("trust", justify="center")
        for head in ("size", "latency", "rate \\[95 %]"):
            table.add_column(head, justify="right", no_wrap=True)
        for ceiling in own:
            table.add_row(*_row(ceiling))
        console.print(table)
        console.print(Text(_summary(dtype, own)))
    for note in _doubts(shown):
        console.print(Text(note))


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
    """The limits of a dtype on one line."""
    products = [c.macs_per_s for c in ceilings if c.operation == "matmul"]
    copies = sorted((c.size, c.bytes_per_s) for c in ceilings if c.operation == "copy")
    launches = [c.operator_s for c in ceilings if c.operation == "launch"]
    parts = []
    if products:
        parts.append(format_mac_rate(max(products)))
    if copies:
        size, rate = max(copies, key=lambda copy: copy[1])
        parts.append(f"{format_bandwidth(copies[-1][1])} for copies larger than the caches")
        if size != copies[-1][0]:
            parts.append(f"{format_bandwidth(rate)} at best ({format_bytes(size)})")
    parts += [f"{format_seconds(seconds)} per operator" for seconds in launches]
    return f"{dtype}: {', '.join(parts)}"


def _doubts(ceilings: Sequence[Ceiling]) -> list[str]:
    """Each doubt once, with its number of rows, and one piece of advice for all."""
    found = [doubt for c in ceilings for doubt in trust_in_latency(c.latency).doubts]
    notes = []
    for name in dict.fromkeys(doubt.name for doubt in found):
        alike = [doubt for doubt in found if doubt.name == name]
        worst = max(alike, key=lambda doubt: doubt.grade)
        rows = "1 row" if len(alike) == 1 else f"{len(alike)} rows"
        notes.append(f"trust {worst.grade}: {rows}: {worst.text}")
    if notes:
        notes.append("stop other programs and measure again with --force: a limit measured too low "
                     "makes every cell look closer to it")  # fmt: skip
    return notes

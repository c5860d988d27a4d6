"""How a cell that is bound by launches is described: its operators, and the time of each launch."""

from __future__ import annotations

from attnbench.units import format_count, format_seconds


def launches_text(operators: int, each_s: float) -> str:
    """The number of operators and the time to launch each: "about 300 operators, 3.1 µs each"."""
    return f"about {format_count(operators)} operators, {format_seconds(each_s)} each"

"""Format measured values for terminal tables."""

from __future__ import annotations

from collections.abc import Sequence

from attnbench.records import CostRecord
from attnbench.records.latency import Latency
from attnbench.units import METRICS, format_seconds_beside

MISSING = "–"


def macs_text(record: CostRecord) -> str:
    """GMACs of one forward call, without the unit."""
    return MISSING if record.macs is None else f"{record.macs.products_macs / 1e9:.3f}"


def metric_text(key: str, value: float | None) -> str:
    """A metric in its usual format, or a dash."""
    return MISSING if value is None else METRICS[key].format(value)


def memory_text(record: CostRecord, between: str = " ") -> str:
    """The peak of a call, and what is kept between calls if that is something."""
    memory = record.memory
    if memory is None:
        return MISSING
    peak = metric_text("memory_bytes", memory.peak_net_bytes)
    if not memory.kept_bytes:
        return peak
    plus = " + " if between == " " else between  # a line of its own needs no sign
    return f"{peak}{plus}{metric_text('kept_bytes', memory.kept_bytes)}"


def memory_head(records: Sequence[CostRecord], between: str = " ") -> str:
    """The head of a column of `memory_text`."""
    keeps = any(record.memory and record.memory.kept_bytes for record in records)
    return ("memory + kept" if between == " " else f"memory{between}kept") if keeps else "memory"


def latency_text(latency: Latency, between: str = " ") -> str:
    """The median with its 95 % interval, in one unit."""
    value = latency.median_s
    bounds = [format_seconds_beside(bound, value) for bound in latency.interval_s or ()]
    return with_bounds(metric_text("latency_s", value), bounds, between)


def with_bounds(text: str, bounds: Sequence[str], between: str) -> str:
    """A value and its interval: "61.6 ms [61.0 – 62.1]"."""
    return f"{text}{between}[{' – '.join(bounds)}]" if bounds else text

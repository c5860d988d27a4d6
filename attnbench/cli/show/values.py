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


def latency_text(latency: Latency, between: str = " ") -> str:
    """The median with its 95 % interval, in one unit."""
    value = latency.median_s
    bounds = [format_seconds_beside(bound, value) for bound in latency.interval_s or ()]
    return with_bounds(metric_text("latency_s", value), bounds, between)


def with_bounds(text: str, bounds: Sequence[str], between: str) -> str:
    """A value and its interval: "61.6 ms [61.0 – 62.1]"."""
    return f"{text}{between}[{' – '.join(bounds)}]" if bounds else text

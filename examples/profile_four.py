"""Profile four attentions at one size, and print latency and speed-up with 95 % intervals.

    python examples/profile_four.py 14       the side of a square of tokens; 64 if left out

The four are sampled in turn, so that each speed-up is a ratio round by round.
"""

import sys

from attnbench import Protocol, Workload, profile
from attnbench.records.latency import Latency, speed_up
from attnbench.units import format_giga_macs, format_ratio, format_seconds

FOUR = {"dense": "sdpa", "window": "sdpa", "sparse": "sdpa", "anchor": "reference"}
"""Mechanism and implementation."""


def main(side: int = 64) -> None:
    """Measure the four, and print a line each."""
    cells = [Workload(attention=name, impl=impl, grid=(side, side)) for name, impl in FOUR.items()]
    records = profile(cells, Protocol(time_budget_s=0.5))
    print(f"{side * side:,} tokens; {records[0].environment.label}; MACs, latency, speed-up")
    for cell, record in zip(cells, records, strict=True):
        dense, macs = records[0].latency, record.macs
        if record.latency is None or dense is None or macs is None:
            raise SystemExit(f"{cell.attention}: {record.status}, {record.reason}")
        print(cell.attention, format_giga_macs(macs.products_macs), in_words(record.latency, dense))


def in_words(latency: Latency, dense: Latency) -> str:
    """Median and speed-up, each with its 95 % interval where there are samples enough."""
    low, high = map(format_seconds, latency.interval_s or (latency.median_s,) * 2)
    ratio = speed_up(dense, latency)
    least, most = map(format_ratio, ratio.interval or (ratio.value,) * 2)
    median = format_seconds(latency.median_s)
    return f"{median} [{low} – {high}]  {format_ratio(ratio.value)} [{least} – {most}]"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

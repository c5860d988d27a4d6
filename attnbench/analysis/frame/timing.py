"""Detailed timing columns: percentiles, throughput, host time, energy and memory meters.

Base units; None or "" where unknown.
"""

from __future__ import annotations

from collections.abc import Sequence

from attnbench.analysis.frame.columns import NOTHING, Columns, fields_of
from attnbench.records import CostRecord
from attnbench.records.latency import Latency
from attnbench.records.median import percentile_of

TIMING_COLUMNS = {
    "p50_s": "float64", "p90_s": "float64", "p99_s": "float64", "host_s": "float64",
    "launch_bound": "str", "first_call_s": "float64", "images_per_s": "float64", "cache": "str",
    "least_bytes": "Int64", "operators": "Int64", "backend": "str", "energy_j": "float64",
    "energy_meter": "str", "reserved_net_bytes": "Int64", "resident_net_bytes": "Int64",
    "kept_bytes": "Int64", "kept_more_bytes": "Int64", "outside_bytes": "Int64",
    "code_path": "str",
    "floor_relative": "float64",
}  # fmt: skip
_SHARES = (50, 90, 99)
_OF_MEMORY = (
    "reserved_net_bytes", "resident_net_bytes", "kept_bytes", "kept_more_bytes", "outside_bytes",
)  # fmt: skip


def timing_columns(records: Sequence[CostRecord], medians: Sequence[float | None]) -> Columns:
    """The spread of the latencies, and whatever else was recorded about the calls.

    Args:
        records: of layers or models.
        medians: of their latencies.
    """
    energies = [record.energy or NOTHING for record in records]
    memories = [record.memory or NOTHING for record in records]
    return {
        **fields_of(records, "first_call_s", "least_bytes", "operators", "backend", "code_path"),
        "energy_j": [energy.per_call_j for energy in energies],
        "energy_meter": [energy.meter or "" for energy in energies],
        **fields_of(memories, *_OF_MEMORY),
        "floor_relative": [record.floor and record.floor.relative for record in records],
        **_spread([record.latency for record in records]),
        "images_per_s": [
            median and record.workload.batch / median
            for record, median in zip(records, medians, strict=True)
        ],
    }


def _spread(latencies: Sequence[Latency | None]) -> Columns:
    ordered = [sorted(latency.samples_s) if latency else () for latency in latencies]
    hosts = [latency and latency.host_s for latency in latencies]
    return {
        **{
            f"p{share}_s": [percentile_of(one, share / 100) if one else None for one in ordered]
            for share in _SHARES
        },
        "host_s": hosts,
        "launch_bound": [
            "" if latency is None or host_s is None else _yes(latency.is_launch_bound)
            for latency, host_s in zip(latencies, hosts, strict=True)
        ],
        "cache": [latency.cache if latency else "" for latency in latencies],
    }


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"

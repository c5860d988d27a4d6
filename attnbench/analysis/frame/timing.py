"""Detailed timing columns: percentiles, throughput, host time, energy and memory meters.

Base units; None or "" where unknown.
"""

from __future__ import annotations

from typing import Any

from attnbench.records import CostRecord
from attnbench.records.latency import Latency
from attnbench.records.median import percentile

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


def timing_columns(record: CostRecord) -> dict[str, Any]:
    """The spread of the latency, and whatever else was recorded about the call."""
    energy, memory, floor = record.energy, record.memory, record.floor
    row: dict[str, Any] = {
        "first_call_s": record.first_call_s,
        "least_bytes": record.least_bytes,
        "operators": record.operators,
        "backend": record.backend,
        "energy_j": energy.per_call_j if energy else None,
        "energy_meter": energy.meter if energy else "",
        "reserved_net_bytes": memory.reserved_net_bytes if memory else None,
        "resident_net_bytes": memory.resident_net_bytes if memory else None,
        "kept_bytes": memory.kept_bytes if memory else None,
        "kept_more_bytes": memory.kept_more_bytes if memory else None,
        "outside_bytes": memory.outside_bytes if memory else None,
        "code_path": record.code_path,
        "floor_relative": floor.relative if floor else None,
    }
    spread = _spread(record.latency, record.workload.batch) if record.latency else _no_spread()
    return row | spread


def _spread(latency: Latency, batch: int) -> dict[str, Any]:
    ordered = sorted(latency.samples_s)
    return {
        **{f"p{share}_s": percentile(ordered, share / 100) for share in _SHARES},
        "host_s": latency.host_s,
        "launch_bound": "" if latency.host_s is None else _yes(latency.is_launch_bound),
        "images_per_s": batch / latency.median_s,
        "cache": latency.cache,
    }


def _no_spread() -> dict[str, Any]:
    return {"launch_bound": "", "cache": ""}


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"

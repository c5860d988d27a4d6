"""The columns of a row beyond cost: the timing in detail, and where the cell stands among limits.

As in `rows`: base units, None or "" where nothing is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from attnbench.analysis.limits.macs_gap import Twins, gap, macs_speedup
from attnbench.analysis.limits.roofline import Ceilings, macs_of_mode, moved_bytes, runs_fused
from attnbench.analysis.speedup.baseline import Baselines
from attnbench.records import CostRecord
from attnbench.records.latency import Latency, Ratio, percentile
from attnbench.spec import Workload

DETAIL_COLUMNS = {
    "p50_s": "float64", "p90_s": "float64", "p99_s": "float64", "host_s": "float64",
    "launch_bound": "str", "first_call_s": "float64", "images_per_s": "float64", "cache": "str",
    "least_bytes": "Int64", "operators": "Int64", "backend": "str", "energy_j": "float64",
    "energy_meter": "str", "reserved_net_bytes": "Int64", "resident_net_bytes": "Int64",
    "floor_relative": "float64",
}  # fmt: skip
LIMIT_COLUMNS = {
    "limit_s": "float64", "percent_of_limit": "float64", "bound_by": "str",
    "macs_per_s": "float64", "macs_per_byte": "float64", "roof_macs_per_s": "float64",
    "roof_bytes_per_s": "float64", "roof_cache_bytes_per_s": "float64", "fused": "boolean",
}  # fmt: skip
GAP_COLUMNS = {"macs_speedup": "float64", "gap": "str"}
_SHARES = (50, 90, 99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """What a cell is held against."""

    baselines: Baselines
    twins: Twins
    ceilings: Ceilings


def detail_columns(record: CostRecord) -> dict[str, Any]:
    """How the latency is spread, and what else was seen of the call."""
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
        "floor_relative": floor.relative if floor else None,
    }
    return row | _timing(record, record.latency) if record.latency else row | _no_timing()


def _timing(record: CostRecord, latency: Latency) -> dict[str, Any]:
    workload, median_s = record.workload, latency.median_s
    ordered = sorted(latency.samples_s)
    row: dict[str, Any] = {f"p{share}_s": percentile(ordered, share / 100) for share in _SHARES}
    if isinstance(workload, Workload):
        row["time_per_token_s"] = median_s / (workload.batch * workload.num_tokens)
    return row | {
        "host_s": latency.host_s,
        "launch_bound": "" if latency.host_s is None else _yes(latency.is_launch_bound),
        "images_per_s": workload.batch / median_s,
        "cache": latency.cache,
    }


def _no_timing() -> dict[str, Any]:
    return {"launch_bound": "", "cache": ""}


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"


def limit_columns(record: CostRecord, ceilings: Ceilings) -> dict[str, Any]:
    """Where the cell stands, its coordinates in the roofline figure, and the roofs themselves."""
    place, limits = ceilings.place(record), ceilings.of(record)
    macs, moved = macs_of_mode(record), moved_bytes(record)
    row: dict[str, Any] = {
        "limit_s": place.limit_s,
        "percent_of_limit": place.percent_of_limit,
        "bound_by": place.bound_by,
        "fused": runs_fused(record),
    }
    if macs and record.latency is not None:
        row["macs_per_s"] = macs / record.latency.median_s
    if macs and moved and record.workload.mode == "forward":
        row["macs_per_byte"] = macs / moved
    if limits is not None:
        row["roof_macs_per_s"] = limits.macs_per_s
        row["roof_bytes_per_s"] = limits.memory_bytes_per_s
        row["roof_cache_bytes_per_s"] = limits.cache_bytes_per_s
    return row


def gap_columns(
    record: CostRecord, compared: tuple[str, Ratio] | None, neighbours: Neighbours
) -> dict[str, Any]:
    """The speed-up that the MACs promise, and why the measured one differs."""
    twins, ceilings = neighbours.twins, neighbours.ceilings
    baseline = neighbours.baselines.of(record)
    if baseline is None or compared is None:
        return {"gap": ""}
    return {
        "macs_speedup": macs_speedup(record, baseline),
        "gap": gap(record, baseline, compared[1].value, ceilings, twins),
    }

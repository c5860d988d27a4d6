"""Columns about limits: how close a cell comes to its machine's limit, and the MACs gap.

Base units; None or "" where unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from attnbench.analysis.limits.macs_gap import Twins, gap, macs_speedup
from attnbench.analysis.limits.roofline import (
    Ceilings,
    Placement,
    moved_bytes,
    placement,
    runs_fused,
    unplaced,
)
from attnbench.analysis.quotable import POOR
from attnbench.analysis.speedup.baseline import Baselines, Compared
from attnbench.records import CostRecord, LayerRecord
from attnbench.records.mode_macs import macs_of_mode

LIMIT_COLUMNS = {
    "limit_s": "float64", "percent_of_limit": "float64", "bound_by": "str",
    "launch_each_s": "float64",
    "macs_per_s": "float64", "macs_per_byte": "float64", "roof_macs_per_s": "float64",
    "roof_bytes_per_s": "float64", "roof_cache_bytes_per_s": "float64", "fused": "boolean",
}  # fmt: skip
GAP_COLUMNS = {"macs_speedup": "float64", "gap": "str"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """What a cell is compared with."""

    baselines: Baselines
    twins: Twins
    ceilings: Ceilings


def limit_columns(record: CostRecord, ceilings: Ceilings, *, quotable: bool) -> dict[str, Any]:
    """The cell's share of its limit, its coordinates in the roofline figure, and the roofs.

    The roofs are the compute rate and the bandwidths of memory and cache. A cell whose latency is
    not good enough to conclude from has no share, bottleneck or MAC rate.
    """
    limits = ceilings.of(record)
    place = _place(record, ceilings, quotable=quotable)
    macs, moved = macs_of_mode(record), moved_bytes(record)
    row: dict[str, Any] = {
        "limit_s": place.limit_s,
        "percent_of_limit": place.percent_of_limit,
        "bound_by": place.bound_by,
        "launch_each_s": place.launch_each_s,
        "fused": runs_fused(record),
    }
    if macs and quotable and record.latency is not None:
        row["macs_per_s"] = macs / record.latency.median_s
    if macs and moved and record.workload.mode == "forward":
        row["macs_per_byte"] = macs / moved
    if limits is not None:
        row["roof_macs_per_s"] = limits.macs_per_s
        row["roof_bytes_per_s"] = limits.memory_bytes_per_s
        row["roof_cache_bytes_per_s"] = limits.cache_bytes_per_s
    return row


def _place(record: CostRecord, ceilings: Ceilings, *, quotable: bool) -> Placement:
    limits = ceilings.of(record)
    if limits is None:
        return Placement()
    return placement(record, limits) if quotable else unplaced(record, limits)


def gap_columns(
    record: LayerRecord, compared: Compared | None, neighbours: Neighbours, *, quotable: bool
) -> dict[str, Any]:
    """The speed-up that the MACs predict, and why the measured one differs."""
    if compared is None:
        return {"gap": ""}
    twins, ceilings, baseline = neighbours.twins, neighbours.ceilings, compared.baseline
    why = gap(record, baseline, compared.ratio.value, ceilings, twins) if quotable else POOR
    return {"macs_speedup": macs_speedup(record, baseline), "gap": why}

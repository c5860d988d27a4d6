"""Columns about limits: how close a cell comes to its machine's limit, and the MACs gap.

Base units; None or "" where unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attnbench.analysis.frame.columns import Columns, fields_of
from attnbench.analysis.limits.machine_limits import Limits
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
_OF_PLACE = ("limit_s", "percent_of_limit", "bound_by", "launch_each_s")
NOWHERE = Placement()
"""Of a cell whose machine's limits are not known."""
GAP_COLUMNS = {"macs_speedup": "float64", "gap": "str"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """What a cell is compared with."""

    baselines: Baselines
    twins: Twins
    ceilings: Ceilings


def limit_columns(
    records: Sequence[CostRecord],
    medians: Sequence[float | None],
    ceilings: Ceilings,
    quotable: Sequence[bool],
) -> Columns:
    """Each cell's share of its limit, its coordinates in the roofline figure, and the roofs.

    The roofs are the compute rate and the bandwidths of memory and cache. A cell whose latency is
    not good enough to conclude from has no share, bottleneck or MAC rate.
    """
    limits = [ceilings.of(record) for record in records]
    both = zip(records, limits, quotable, strict=True)
    return {
        **fields_of([_place(*each) for each in both], *_OF_PLACE),
        "fused": [runs_fused(record) for record in records],
        **_rates(records, medians, quotable),
        "roof_macs_per_s": [one and one.macs_per_s for one in limits],
        "roof_bytes_per_s": [one and one.memory_bytes_per_s for one in limits],
        "roof_cache_bytes_per_s": [one and one.cache_bytes_per_s for one in limits],
    }


def _place(record: CostRecord, limits: Limits | None, quotable: bool) -> Placement:
    if limits is None:
        return NOWHERE
    return placement(record, limits) if quotable else unplaced(record, limits)


def _rates(
    records: Sequence[CostRecord], medians: Sequence[float | None], quotable: Sequence[bool]
) -> Columns:
    """MACs by second, and by byte of a forward call."""
    macs = [macs_of_mode(record) for record in records]
    moved = [
        moved_bytes(record) if record.workload.mode == "forward" else None for record in records
    ]
    timed = zip(macs, medians, quotable, strict=True)
    return {
        "macs_per_s": [m / s if m and s and sure else None for m, s, sure in timed],
        "macs_per_byte": [m / b if m and b else None for m, b in zip(macs, moved, strict=True)],
    }


def gap_columns(
    records: Sequence[LayerRecord],
    compared: Sequence[Compared | None],
    neighbours: Neighbours,
    quotable: Sequence[bool],
) -> Columns:
    """The speed-ups that the MACs predict, and why the measured ones differ."""
    twins, ceilings = neighbours.twins, neighbours.ceilings
    pairs = list(zip(records, compared, strict=True))
    return {
        "macs_speedup": [one and macs_speedup(record, one.baseline) for record, one in pairs],
        "gap": [
            "" if one is None
            else gap(record, one.baseline, one.ratio.value, ceilings, twins) if sure
            else POOR
            for (record, one), sure in zip(pairs, quotable, strict=True)
        ],
    }  # fmt: skip

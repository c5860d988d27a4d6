"""The tables beside those of cost: the timing in detail, and what the limits explain.

Layers and models stand in one table each; the CSV files of both hold every column.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from attnbench.report.tables.columns import MOST_ROWS, Column, Row, Table, metric, plain, table_of
from attnbench.report.tables.cost import SPEED_UP, TRUST, limit_parts


def _size(row: Row) -> str:
    tokens = getattr(row, "tokens", None)
    return f"{row.height} × {row.width} px" if tokens is None else f"{tokens:,} tokens"


_WHAT = (
    plain("label", "what"),
    Column(head="size", text=_size, numeric=True),
    plain("batch", numeric=True),
    plain("dtype"),
    plain("mode"),
)
TIMING = (
    *_WHAT,
    metric("latency_s"),
    metric("p90_s"),
    metric("p99_s"),
    TRUST,
    metric("floor_relative", "resolution", optional=True),
    metric("host_s", optional=True),
    plain("launch_bound", "launch-bound", optional=True),
    metric("first_call_s", optional=True),
    metric("time_per_token_s", optional=True),
    metric("images_per_s"),
    plain("cache", optional=True),
    plain("environment", "device"),
)
LIMITS = (
    *_WHAT,
    metric("percent_of_limit", optional=True),
    plain("bound_by", "bound by", optional=True),
    metric("macs_per_s"),
    SPEED_UP,
    metric("macs_speedup", "by MACs"),
    plain("gap", "why they differ", optional=True),
    metric("traffic_bytes"),
    metric("least_bytes", optional=True),
    metric("operators", optional=True),
    plain("backend", "fused kernel", optional=True),
    plain("environment", "device"),
)

_TIMING_CAPTION = (
    "90 and 99 of 100 calls take no longer than p90 and p99; of fewer samples p99 is the slowest. "
    "Images a second are those of the whole batch at the latency's median, and the time a token is "
    "the median over all tokens of the batch. Resolution: the smallest change that the machine "
    "could show at its last checkup. Host time: until the call returned; launch-bound: the device "
    "waited for the host. The first call is in no sample."
)
_LIMITS_CAPTION = (
    "By MACs: the speed-up if all code spent multiply-accumulates at one rate. Where the measured "
    "one is off it by more than a quarter, the reason is what the records are consistent with, not "
    "what they prove. Bytes moved are those of unfused code; the least bytes are inputs, "
    "parameters and outputs, once each. A share above 100 % is noise, or a limit measured too low."
)


def detail_tables(layers: pd.DataFrame, models: pd.DataFrame) -> dict[str, Table]:
    """Both tables by the stem of their file's name; an empty one is left out."""
    timed = [frame.dropna(subset=["latency_s"]) for frame in (layers, models)]
    placed = [_with_limits(frame) for frame in timed]
    found = {}
    if any(not frame.empty for frame in timed):
        found["timing"] = _table("Timing in detail", _TIMING_CAPTION, TIMING, timed)
    if any(not frame.empty for frame in placed):
        found["limits"] = _table("What the limits explain", _caption(placed), LIMITS, placed)
    return found


def _table(
    title: str, caption: str, columns: Sequence[Column], frames: Sequence[pd.DataFrame]
) -> Table:
    """The layers, then the models."""
    names = ("layers.csv", "models.csv")
    files = [name for name, frame in zip(names, frames, strict=True) if not frame.empty]
    rows = [row for frame in frames for row in frame.head(MOST_ROWS).itertuples()]
    total = sum(len(frame) for frame in frames)
    return table_of(title, caption, columns, rows, total=total, csv=" and ".join(files))


def _with_limits(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that a limit or a speed-up by MACs is known of."""
    known = frame["percent_of_limit"].notna()
    if "macs_speedup" in frame:
        known |= frame["macs_speedup"].notna()
    return frame[known]


def _caption(placed: Sequence[pd.DataFrame]) -> str:
    parts = next((parts for frame in placed if (parts := limit_parts(frame))), [])
    return " ".join([*parts, _LIMITS_CAPTION])

"""Tables of detailed timing and of the machine's limits, for layers and models together.

The CSV files of layers and models hold every column.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from attnbench.report.tables.columns import MOST_ROWS, Column, Row, Table, metric, plain, table_of
from attnbench.report.tables.cost import SPEED_UP, TRUST, bound_text, limit_parts


def _size(row: Row) -> str:
    tokens = getattr(row, "tokens", None)
    if tokens is not None and row.height == row.width:
        return f"{tokens:,} tokens"
    return f"{row.height} × {row.width} {'px' if tokens is None else 'tokens'}"


_WHAT = (
    plain("label", "layer or model"),
    Column(head="size", text=_size, numeric=True),
    plain("batch", numeric=True),
    plain("dtype"),
    plain("mode"),
    *(plain(name, head, numeric=True, telling=True) for name, head in (
        ("dim", ""), ("heads", ""), ("num_classes", "classes"), ("epochs", ""), ("seed", ""),
        ("input_seed", "seed of the input"),
    )),
    *(plain(name, telling=True) for name in ("task", "data", "recipe")),
)  # fmt: skip
TIMING = (
    *_WHAT,
    metric("latency_s"),
    metric("p90_s"),
    metric("p99_s"),
    TRUST,
    metric("floor_relative", "resolution floor", optional=True),
    metric("host_s", optional=True),
    plain("launch_bound", "launch-bound", optional=True),
    metric("first_call_s", optional=True),
    plain("code_path", "code path", optional=True),
    metric("time_per_token_s", optional=True),
    metric("images_per_s"),
    plain("cache", optional=True),
    plain("environment", "device"),
)
LIMITS = (
    *_WHAT,
    TRUST,
    metric("percent_of_limit", optional=True),
    Column(head="bound by", text=bound_text, optional=True),
    metric("macs_per_s"),
    SPEED_UP,
    metric("macs_speedup", "speed-up by MACs"),
    plain("gap", "why they differ", optional=True),
    metric("traffic_bytes"),
    metric("least_bytes", optional=True),
    metric("operators", optional=True),
    plain("backend", "fused kernel", optional=True),
    plain("environment", "device"),
)

_TIMING_CAPTION = (
    "90 and 99 of 100 calls take at most p90 and p99; with fewer than 100 samples, p99 is the "
    "slowest. Images per second: batch size ÷ median latency. Time per token: median latency ÷ all "
    "tokens of the batch. Resolution floor: the smallest change that the machine could show at its "
    "last checkup. Host time: until the call returned. Launch-bound: the device waited for the "
    "host. The first call is not among the samples."
)
_LIMITS_CAPTION = (
    "Speed-up by MACs: the speed-up if all code ran at the same MAC rate. If the measured speed-up "
    "differs from it by more than a factor of 1.25, a reason is given; it is consistent with the "
    "records, not proven by them. Bytes moved are for unfused code. The least bytes count inputs, "
    "parameters and outputs once each. A share above 100 % means noise, or a limit measured too "
    "low."
)


def detail_tables(layers: pd.DataFrame, models: pd.DataFrame) -> dict[str, Table]:
    """Both tables by file name (without suffix); empty ones are left out."""
    timed = [frame.dropna(subset=["latency_s"]) for frame in (layers, models)]
    placed = [_with_limits(frame) for frame in timed]
    found = {}
    if any(not frame.empty for frame in timed):
        found["timing"] = _table("Detailed timing", _TIMING_CAPTION, TIMING, timed)
    if any(not frame.empty for frame in placed):
        found["limits"] = _table("The machine's limits", _caption(placed), LIMITS, placed)
    return found


def _table(
    title: str, caption: str, columns: Sequence[Column], frames: Sequence[pd.DataFrame]
) -> Table:
    """A table of the layers, then the models."""
    names = ("layers.csv", "models.csv")
    files = [name for name, frame in zip(names, frames, strict=True) if not frame.empty]
    rows = [row for frame in frames for row in frame.head(MOST_ROWS).itertuples()]
    total = sum(len(frame) for frame in frames)
    return table_of(title, caption, columns, rows, total=total, csv=" and ".join(files))


def _with_limits(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with a known limit or speed-up by MACs."""
    known = frame["percent_of_limit"].notna()
    if "macs_speedup" in frame:
        known |= frame["macs_speedup"].notna()
    return frame[known]


def _caption(placed: Sequence[pd.DataFrame]) -> str:
    parts = next((parts for frame in placed if (parts := limit_parts(frame))), [])
    return " ".join([*parts, _LIMITS_CAPTION])

"""Tables of the cost of layers and models."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from attnbench.analysis.limits.launches import launches_text
from attnbench.analysis.quotable import POOR, poor
from attnbench.analysis.speedup.baseline import BASELINE
from attnbench.records import coverage
from attnbench.report.tables.columns import (
    MISSING,
    MOST_ROWS,
    Column,
    Row,
    Table,
    metric,
    or_missing,
    plain,
    table_of,
)
from attnbench.units import METRICS


def _interval(row: Row) -> str:
    if pd.isna(row.latency_s):
        return MISSING
    if pd.isna(row.latency_low_s):
        return f"unknown ({row.samples} samples)"
    form = METRICS["latency_s"].format
    return f"{form(row.latency_low_s)} to {form(row.latency_high_s)}"


def _speed_up(row: Row) -> str:
    if pd.isna(getattr(row, "speedup", None)):
        return MISSING
    if row.baseline_key == row.implementation_key and row.speedup == 1.0:
        return "baseline"
    form = METRICS["speedup"].format
    marks = "" if row.speedup_paired else " *"
    marks += "" if row.speedup_quotable else " (C)"
    if pd.isna(row.speedup_low):
        return form(row.speedup) + marks
    return f"{form(row.speedup)} ({form(row.speedup_low)} to {form(row.speedup_high)}){marks}"


def _status(row: Row) -> str:
    return f"{row.status}: {row.reason}" if row.reason else row.status


def bound_text(row: Row) -> str:
    """The bottleneck; for launches with the operators and the time of each."""
    if row.bound_by == "launch" and not pd.isna(row.operators) and not pd.isna(row.launch_each_s):
        return f"launch-bound: {launches_text(row.operators, row.launch_each_s)}"
    return or_missing(row.bound_by, str)


def _energy(row: Row) -> str:
    joules = or_missing(row.energy_j, METRICS["energy_j"].format)
    return f"{joules} ({row.energy_meter})" if row.energy_meter and joules != MISSING else joules


TRUST = Column(head="trust", text=lambda row: or_missing(row.trust, str))
_COST = (
    metric("params", "params"),
    metric("macs"),
    metric("latency_s"),
    Column(head="95 % interval", text=_interval, numeric=True),
    TRUST,
    metric("memory_bytes"),
    metric("traffic_bytes"),
)
SPEED_UP = Column(head="speed-up", text=_speed_up, numeric=True)
_ENERGY = Column(head="energy", text=_energy, numeric=True, optional=True)
_METERS = (
    metric("reserved_net_bytes", optional=True),
    metric("resident_net_bytes", optional=True),
    metric("kept_bytes", optional=True),
    metric("outside_bytes", optional=True),
    _ENERGY,
)
_LIMIT = (
    metric("percent_of_limit", optional=True),
    Column(head="bound by", text=bound_text, optional=True),
)
_STATUS = Column(head="status", text=_status)
_CREATED = Column(head="created", text=lambda row: row.created[:19].replace("T", " "))

SUMMARY = (plain("label", "attention"), *_COST, _ENERGY, SPEED_UP, *_LIMIT, _STATUS)
LAYERS = (
    plain("attention"),
    plain("impl"),
    plain("options"),
    Column(head="grid", text=lambda row: f"{row.height} × {row.width}", numeric=True),
    Column(head="tokens", text=lambda row: f"{row.tokens:,}", numeric=True),
    plain("dim", numeric=True),
    plain("heads", numeric=True),
    plain("batch", numeric=True),
    plain("dtype"),
    plain("mode"),
    plain("seed", numeric=True, telling=True),
    *_COST,
    *_METERS,
    metric("training_macs"),
    SPEED_UP,
    *_LIMIT,
    plain("baseline"),
    _STATUS,
    plain("environment", "device"),
    _CREATED,
)
MODELS = (
    plain("model"),
    plain("attention"),
    plain("options"),
    plain("task"),
    plain("data"),
    Column(head="img size", text=lambda row: f"{row.height} × {row.width}", numeric=True),
    plain("num_classes", "classes", numeric=True, telling=True),
    plain("epochs", numeric=True),
    plain("seed", numeric=True),
    plain("recipe", "recipe differs in", telling=True),
    metric("top1", "top-1", optional=True),
    metric("top5", "top-5", optional=True),
    *(metric(name, optional=True) for name in ("ap", "ap50", "ap75", "miou", "macc", "aacc")),
    metric("params", "params"),
    metric("macs", "GMACs"),
    metric("training_macs", "training GMACs"),
    metric("latency_s"),
    TRUST,
    metric("memory_bytes"),
    metric("traffic_bytes"),
    *_METERS,
    *_LIMIT,
    metric("throughput_per_s"),
    metric("predict_each_s", optional=True),
    plain("on_frontier", "on frontier?"),
    plain("batch", numeric=True),
    plain("dtype"),
    plain("mode", telling=True),
    plain("input_seed", "seed of the input", numeric=True, telling=True),
    _STATUS,
    plain("environment", "device"),
    _CREATED,
)


def layer_table(layers: pd.DataFrame) -> Table:
    """The table of all layers."""
    return _table("Layers", layer_caption(layers), LAYERS, layers, "layers.csv")


def summary_table(profile: pd.DataFrame) -> Table:
    """The cells of one profile, the fastest first; the caption has what they share."""
    first = profile.iloc[0]
    title = f"{first['tokens']:,} tokens ({first['height']} × {first['width']})"
    caption = f"{first['conditions']}. {layer_caption(profile)}"
    fastest_first = profile.sort_values("latency_s", na_position="last")
    return _table(title, caption, SUMMARY, fastest_first, "layers.csv")


def model_table(models: pd.DataFrame, cost: str) -> Table:
    """The table of all models; `cost` names the cost axis of the frontier."""
    frontier = (
        "On the frontier: no other model of the same task, data, image size and conditions is "
        f"better in score or {cost} without being worse in the other. MACs, latency and memory are "
        "for one forward call of the whole batch; throughput is from the evaluation."
    )
    caption = " ".join([frontier, _counting(models), *limit_parts(models)])
    return _table("Models", caption, MODELS, models, "models.csv")


def layer_caption(layers: pd.DataFrame) -> str:
    """The caption of a layer table, with the baselines of its speed-ups."""
    baselines = sorted(set(layers["baseline"].dropna()) - {""})
    parts = [
        "MACs are for one forward call of the whole batch.",
        _counting(layers),
        *_trust_parts(layers),
        *limit_parts(layers),
    ]
    if len(baselines) == 1:
        parts.append(f"Speed-up is over {baselines[0]}, the fastest dense cell measured.")
    elif baselines:
        parts.append(f"Speed-up is over the fastest dense cell measured: {', '.join(baselines)}.")
    else:
        parts.append(f"No speed-up: no {BASELINE} attention was measured.")
    if (layers["speedup_paired"] == False).any():  # noqa: E712 - missing values are neither
        parts.append("* the ratio of two medians, not measured in the same rounds.")
    if (layers["speedup"].notna() & ~layers["speedup_quotable"]).any():
        parts.append("(C) the cell or its baseline is graded C: do not quote the speed-up.")
    return " ".join(parts)


def _trust_parts(rows: pd.DataFrame) -> list[str]:
    """The meaning of the grades, if a latency is not graded A."""
    doubtful = rows.loc[rows["trust"].isin(["B", "C"]), "doubts"]
    if doubtful.empty:
        return []
    return [
        "Trust grades the latency: A, no doubts; B, good enough for a rough comparison; C, do not "
        "quote it. The CSV file has the reasons in column doubts."
    ]


def limit_parts(rows: pd.DataFrame) -> list[str]:
    """The meaning of the columns about limits, if there are any."""
    if rows["percent_of_limit"].isna().all():
        return []
    return [
        "Of limit: the shortest time in which this machine can do the MACs or move the least "
        "bytes, whichever is longer, as a share of the latency. Bound by: the bottleneck."
        + ("" if poor(rows).empty else f" Cells graded C have none of these: {POOR}.")
    ]


def _counting(frame: pd.DataFrame) -> str:
    """The meaning and coverage of the counted columns."""
    if frame["macs"].isna().all():
        return "No MACs were counted."
    names = {name for names in frame["uncounted"].unique() for name in names.split(", ") if name}
    return (
        f"MACs: {coverage(names)}. Training MACs include forward and backward. Bytes moved are "
        "what one forward call of unfused eager code reads and writes."
    )


def _table(
    title: str, caption: str, columns: Sequence[Column], frame: pd.DataFrame, csv: str
) -> Table:
    rows = list(frame.head(MOST_ROWS).itertuples())
    return table_of(title, caption, columns, rows, total=len(frame), csv=csv)

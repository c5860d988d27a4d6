"""The frames as tables for people: Markdown and HTML show these strings, CSV keeps base units.

A missing number is written as a dash; the status beside it says why it is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from attnbench.records import coverage
from attnbench.report.markdown import table_lines
from attnbench.report.speedup import BASELINE
from attnbench.units import METRICS

MISSING = "–"
# Worked out for the figures, and repeated by other columns of the CSV.
NOT_IN_CSV = ["label", "conditions", "other_options"]

Row = Any
"""One row of a frame, as `itertuples` gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table: its head, how a row reads in it, and on which side it is aligned."""

    head: str
    text: Callable[[Row], str]
    numeric: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with its caption; every cell is text already."""

    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


def plain(name: str, head: str = "", numeric: bool = False) -> Column:
    """A column that is shown as it stands."""
    return Column(
        head=head or name, text=lambda row: _or_missing(getattr(row, name), str), numeric=numeric
    )


def metric(key: str, head: str = "") -> Column:
    """A metric, formatted as everywhere."""
    unit = METRICS[key]
    return Column(
        head=head or unit.label,
        text=lambda row: _or_missing(getattr(row, key), unit.format),
        numeric=True,
    )


def _or_missing(value: Any, form: Callable[[Any], str]) -> str:
    return MISSING if pd.isna(value) or value == "" else form(value)


def _interval(row: Row) -> str:
    if pd.isna(row.latency_s):
        return MISSING
    if pd.isna(row.latency_low_s):
        return f"unknown ({row.samples} samples)"
    form = METRICS["latency_s"].format
    return f"{form(row.latency_low_s)} to {form(row.latency_high_s)}"


def _speed_up(row: Row) -> str:
    if pd.isna(row.speedup):
        return MISSING
    if row.baseline == f"{row.attention} ({row.impl})" and row.speedup == 1.0:
        return "baseline"
    form = METRICS["speedup"].format
    unpaired = "" if row.speedup_paired else " *"
    if pd.isna(row.speedup_low):
        return form(row.speedup) + unpaired
    return f"{form(row.speedup)} ({form(row.speedup_low)} to {form(row.speedup_high)}){unpaired}"


def _status(row: Row) -> str:
    return f"{row.status}: {row.reason}" if row.reason else row.status


_TRUST = Column(head="trust", text=lambda row: _or_missing(row.trust, str))
_COST = (
    metric("params", "params"),
    metric("macs"),
    metric("latency_s"),
    Column(head="95 % interval", text=_interval, numeric=True),
    _TRUST,
    metric("memory_bytes"),
    metric("traffic_bytes"),
)
_SPEED_UP = Column(head="speed-up", text=_speed_up, numeric=True)
_STATUS = Column(head="status", text=_status)
_CREATED = Column(head="created", text=lambda row: row.created[:19].replace("T", " "))

SUMMARY = (plain("label", "attention"), *_COST, _SPEED_UP, _STATUS)
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
    *_COST,
    metric("training_macs"),
    _SPEED_UP,
    plain("baseline", "over"),
    _STATUS,
    plain("environment", "device"),
    _CREATED,
)
MODELS = (
    plain("model"),
    plain("attention"),
    plain("options"),
    plain("data"),
    Column(head="img size", text=lambda row: f"{row.height} × {row.width}", numeric=True),
    plain("epochs", numeric=True),
    plain("seed", numeric=True),
    metric("top1", "top-1"),
    metric("top5", "top-5"),
    metric("params", "params"),
    metric("macs", "GMACs"),
    metric("training_macs", "training GMACs"),
    metric("latency_s"),
    _TRUST,
    metric("memory_bytes"),
    metric("traffic_bytes"),
    metric("throughput_per_s"),
    plain("on_frontier", "on frontier?"),
    plain("batch", numeric=True),
    plain("dtype"),
    _STATUS,
    plain("environment", "device"),
    _CREATED,
)


def layer_table(layers: pd.DataFrame) -> Table:
    """Every layer cell."""
    return _table("Layers", layer_caption(layers), LAYERS, layers)


def summary_table(profile: pd.DataFrame) -> Table:
    """The cells of one profile, families side by side; what they share is left to the caption."""
    first = profile.iloc[0]
    title = f"{first['tokens']:,} tokens ({first['height']} × {first['width']})"
    caption = f"{first['conditions']}. {layer_caption(profile)}"
    return _table(title, caption, SUMMARY, profile.sort_values("latency_s", na_position="last"))


def model_table(models: pd.DataFrame, cost: str) -> Table:
    """Every trained model; `cost` names the cost axis of the frontier."""
    caption = (
        "On the frontier: no other model of the same data, image size and conditions is better in "
        f"accuracy or {cost} without being worse in the other. MACs, latency and memory are "
        "those of one forward call of the whole batch; throughput is that of the evaluation. "
        + _counting(models)
    )
    return _table("Models", caption, MODELS, models)


def layer_caption(layers: pd.DataFrame) -> str:
    """What the numbers of a layer table mean, with the baselines of its speed-ups."""
    baselines = sorted(set(layers["baseline"].dropna()) - {""})
    parts = [
        "MACs are those of one forward call of the whole batch.",
        _counting(layers),
        *_trust_parts(layers),
    ]
    if len(baselines) == 1:
        parts.append(f"Speed-up is over {baselines[0]}, the fastest dense cell measured there.")
    elif baselines:
        parts.append(f"Speed-up is over the fastest dense cell measured: {', '.join(baselines)}.")
    else:
        parts.append(f"No speed-up: no cell of {BASELINE} attention was measured there.")
    if (layers["speedup_paired"] == False).any():  # noqa: E712 - missing values are neither
        parts.append("* not measured in the same rounds: the ratio of two medians.")
    return " ".join(parts)


def _trust_parts(rows: pd.DataFrame) -> list[str]:
    """What the grades mean, and the doubts behind those that are not A, most frequent first."""
    doubtful = rows.loc[rows["trust"].isin(["B", "C"]), "doubts"]
    if doubtful.empty:
        return []
    return [
        "Trust grades the latency: A, nothing speaks against it; B, fit for a rough comparison; "
        "C, not to be quoted. The doubts stand in the CSV file, column doubts."
    ]


def _counting(frame: pd.DataFrame) -> str:
    """What the counted columns mean and cover."""
    if frame["macs"].isna().all():
        return "No MACs were counted."
    names = {name for names in frame["uncounted"] for name in names.split(", ") if name}
    return (
        f"MACs: {coverage(names)}. Training MACs are those of forward and backward together. "
        "Bytes moved are what one forward call reads and writes as unfused eager code."
    )


def _table(title: str, caption: str, columns: Sequence[Column], frame: pd.DataFrame) -> Table:
    rows = (tuple(c.text(row) for c in columns) for row in frame.itertuples())
    return Table(title=title, caption=caption, columns=tuple(columns), rows=tuple(rows))


def markdown(table: Table) -> str:
    """The table in GitHub's Markdown, under its title and caption."""
    heads = [column.head for column in table.columns]
    numeric = [column.numeric for column in table.columns]
    lines = table_lines(heads, numeric, table.rows)
    return "\n".join([f"# {table.title}", "", table.caption, "", *lines, ""])


def write_csv(frame: pd.DataFrame, path: Path, left_out: Sequence[str] = NOT_IN_CSV) -> None:
    """The frame in base units; what was not measured is an empty field."""
    columns = [column for column in frame.columns if column not in left_out]
    frame.to_csv(path, columns=columns, index=False, lineterminator="\n")

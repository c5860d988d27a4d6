"""Which figures the records call for: one for each group of rows that share their conditions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from attnbench.report import crossover_plot, plots
from attnbench.report.brevity import legible, listed, with_figures
from attnbench.report.by_size import squarest
from attnbench.report.frame import Frames
from attnbench.report.frontier_plot import frontier
from attnbench.report.roofline_plot import FOOTNOTE, roofline
from attnbench.report.style import Line, lines_of, slug
from attnbench.report.tradeoff import (
    TASK,
    Tradeoff,
    differing_recipe,
    machines_of,
    recipe_warning,
    task_of,
)
from attnbench.units import METRICS

LAYER_METRICS = ("latency_s", "memory_bytes", "macs")
_GRID = ["conditions", "height", "width"]
_IN_FILE = "in layers.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A figure with the section of the page it belongs to and the stem of its file name."""

    section: str
    name: str
    title: str
    subtitle: str
    figure: Figure


def drawings(frames: Frames, groups: Sequence[Tradeoff], metric: str) -> Iterator[Drawing]:
    """Every figure, one after another, so that only one is held at a time."""
    layers = with_figures(frames.layers)
    yield from _bars(layers, latest_profile(frames.layers))
    yield from _frontiers(groups, metric)
    yield from _against_tokens(layers)
    yield from _speed_ups(layers)
    yield from _against_anchors(layers)
    yield from _rooflines(layers)
    yield from _curves(frames.epochs)


def latest_profile(layers: pd.DataFrame) -> pd.DataFrame:
    """The cells that share grid and conditions with the newest profile; empty without any cell.

    Where the records name no `profile` command, the newest cells that were measured in rounds
    stand for it, or else the newest cell.
    """
    if layers.empty:
        return layers
    candidates = (
        layers[layers["asked_by"] == "profile"],
        layers[layers["rounds_with"] != ""],
        layers,
    )
    found = next(rows for rows in candidates if not rows.empty)
    newest = found.sort_values("created", kind="stable").iloc[-1]
    return layers[(layers[_GRID] == newest[_GRID]).all(axis=1)]


def _bars(layers: pd.DataFrame, latest: pd.DataFrame) -> Iterator[Drawing]:
    """The latest profile, then every grid of conditions under which no line can be drawn."""
    if not latest.empty:
        yield from _bar(latest, "latest")
    for _, group in layers.groupby("conditions", sort=False):
        if _on_lines(group).empty:
            for _, rows in group.groupby(["height", "width"], sort=False):
                if not rows.index.equals(latest.index):
                    yield from _bar(rows, "profiles")


def _bar(rows: pd.DataFrame, section: str) -> Iterator[Drawing]:
    if rows[list(LAYER_METRICS)].isna().all(axis=None):
        return
    first = rows.iloc[0]
    title = f"Cost of one layer at {first['tokens']:,} tokens"
    subtitle = f"{first['height']} × {first['width']} tokens, {first['conditions']}"
    shown, remark = legible(rows.sort_values("latency_s", na_position="last", kind="stable"))
    if not remark:
        shown = rows
    note = " ".join(filter(None, (_bar_note(shown), remark)))
    yield Drawing(
        section=section,
        name=f"profile-{first['height']}x{first['width']}-{_place(first)}",
        title=title,
        subtitle=subtitle,
        figure=plots.bars(shown, title=title, subtitle=subtitle, footnote=note),
    )


def _bar_note(rows: pd.DataFrame) -> str:
    known = rows.dropna(subset=["latency_s"])
    parts = [_forward_only(rows)]
    if known["latency_low_s"].notna().any():
        parts.append("Whiskers: 95 % interval of the median.")
    if known["latency_low_s"].isna().any():
        parts.append("A bar without whiskers rests on fewer than 6 samples.")
    parts.append(_faded(rows))
    return " ".join(filter(None, parts))


def _faded(rows: pd.DataFrame) -> str:
    return plots.TRUST_NOTE if (rows["trust"] == "C").any() else ""


def _forward_only(rows: pd.DataFrame) -> str:
    return "MACs are those of the forward pass." if rows["mode"].iloc[0] != "forward" else ""


def _place(row: pd.Series) -> str:
    """The conditions as part of a file name."""
    return f"{row['mode']}-{row['dtype']}-b{row['batch']}-d{row['dim']}-h{row['heads']}-" + slug(
        row["environment"], limit=60
    )


def _on_lines(group: pd.DataFrame) -> pd.DataFrame:
    """The squarest grid of each token count, for what was asked at two token counts or more."""
    rows = squarest(group)
    return rows[rows.groupby("label")["tokens"].transform("nunique") > 1]


def _against_tokens(layers: pd.DataFrame) -> Iterator[Drawing]:
    for _, group in layers.groupby("conditions", sort=False):
        lines = _on_lines(group)
        omitted = _names_of(group[~group.index.isin(lines.index)])
        rows, remark = legible(lines)
        notes = " ".join(filter(None, (omitted, remark)))
        yield from _line_figures(rows, "tokens", lines_of(rows), notes)


def _speed_ups(layers: pd.DataFrame) -> Iterator[Drawing]:
    """The speed-up over dense against tokens, where some mechanism has it at two sizes."""
    for _, group in squarest(layers).groupby("conditions", sort=False):
        rows, remark = legible(crossover_plot.comparable(group))
        if rows.empty:
            continue
        title, subtitle = "Speed-up over dense against tokens", rows["conditions"].iloc[0]
        yield Drawing(
            section="crossover",
            name=f"speedup-against-tokens-{_place(rows.iloc[0])}",
            title=title,
            subtitle=subtitle,
            figure=crossover_plot.speed_ups(
                rows, lines_of(rows), title=title, subtitle=subtitle, footnote=remark
            ),
        )


def _against_anchors(layers: pd.DataFrame) -> Iterator[Drawing]:
    for _, group in layers.dropna(subset=["anchors"]).groupby("conditions", sort=False):
        rows = group.assign(label=[_series(row) for row in group.itertuples()])
        lines = rows[rows.groupby("label")["anchors"].transform("nunique") > 1]
        rows, remark = legible(lines)
        yield from _line_figures(rows, "anchors", plots.plain_lines(rows), remark)


def _series(row: object) -> str:
    """What stays the same along a line over anchors."""
    options = getattr(row, "other_options", "")
    details = ", ".join(part for part in (getattr(row, "impl", ""), options) if part)
    height, width = getattr(row, "height", 0), getattr(row, "width", 0)
    return f"{getattr(row, 'attention', '')} ({details}), {height} × {width}"


def _line_figures(
    rows: pd.DataFrame, x: str, lines: dict[str, Line], omitted: str = ""
) -> Iterator[Drawing]:
    """One figure for each metric that was measured at two places or more."""
    for metric in LAYER_METRICS:
        if rows[metric].notna().sum() < 2:
            continue
        name, subtitle = METRICS[metric].label, rows["conditions"].iloc[0]
        title = f"{name[0].upper()}{name[1:]} against {x}"
        note = " ".join(filter(None, (_note(rows, metric), omitted)))
        yield Drawing(
            section=x,
            name=f"{metric.split('_')[0]}-against-{x}-{_place(rows.iloc[0])}",
            title=title,
            subtitle=subtitle,
            figure=plots.against(
                rows, x, metric, lines, title=title, subtitle=subtitle, footnote=note
            ),
        )


def _note(rows: pd.DataFrame, metric: str) -> str:
    """What a reader must know of the lines: their bands, and the cells that are not on them."""
    parts = []
    if metric == "latency_s" and rows["latency_low_s"].notna().any():
        parts.append(plots.INTERVAL_NOTE)
    if metric == "latency_s":
        parts.append(_faded(rows))
    if metric == "macs":
        parts.append(_forward_only(rows))
    failures = [_failure(row) for row in rows[rows[metric].isna()].itertuples()]
    if failures:
        parts.append(f"Without a number: {'; '.join(listed(failures, _IN_FILE))}.")
    return " ".join(filter(None, parts))


def _names_of(omitted: pd.DataFrame) -> str:
    if omitted.empty:
        return ""
    names = ", ".join(listed(list(dict.fromkeys(omitted["label"])), _IN_FILE))
    return f"In the table only (one token count, or a longer grid): {names}."


def _failure(row: object) -> str:
    status = plots.why_missing(getattr(row, "status", ""))
    return f"{getattr(row, 'label', '')} at {getattr(row, 'tokens', 0):,} tokens ({status})"


def _frontiers(groups: Sequence[Tradeoff], metric: str) -> Iterator[Drawing]:
    for group in groups:
        if len(group.points) < 2:
            continue
        title = f"Accuracy against {METRICS[metric].label}"
        yield Drawing(
            section="frontier",
            name=f"frontier-{metric.split('_')[0]}-{slug(group.name)}",
            title=title,
            subtitle=group.subtitle,
            figure=frontier(
                group.points, group.beaten, metric, title=title, subtitle=group.subtitle
            ),
        )


def _rooflines(layers: pd.DataFrame) -> Iterator[Drawing]:
    """One for each set of conditions with a roof; none for modes whose traffic is not counted."""
    known = layers.dropna(subset=["macs_per_byte", "macs_per_s", "roof_macs_per_s"])
    for _, group in known.groupby("conditions", sort=False):
        rows, remark = legible(group)
        title, subtitle = "Rate of MACs against the limits", rows["conditions"].iloc[0]
        note = " ".join(filter(None, (FOOTNOTE, remark)))
        yield Drawing(
            section="roofline",
            name=f"roofline-{_place(rows.iloc[0])}",
            title=title,
            subtitle=subtitle,
            figure=roofline(rows, lines_of(rows), title=title, subtitle=subtitle, footnote=note),
        )


def _curves(epochs: pd.DataFrame) -> Iterator[Drawing]:
    for _, rows in epochs.dropna(subset=["top1"]).groupby(list(TASK), sort=True):
        subtitle = f"{task_of(rows)}; {machines_of(rows)}{recipe_warning(differing_recipe(rows))}"
        title = "Training: top-1 accuracy after each epoch"
        yield Drawing(
            section="training",
            name=f"training-{slug(task_of(rows))}",
            title=title,
            subtitle=subtitle,
            figure=plots.curves(_with_curves(rows), title=title, subtitle=subtitle),
        )


def _with_curves(rows: pd.DataFrame) -> pd.DataFrame:
    """`curve` names the run, and the machine, for it may have been started again on another."""
    return rows.assign(curve=rows["label"] + rows["run"] + rows["environment"])

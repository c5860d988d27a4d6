"""Decide which figures to draw: each kind once per set of conditions, where there are data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pandas as pd
from matplotlib.figure import Figure

from attnbench.analysis.frame.frames import Frames
from attnbench.analysis.frame.rows import PRIMARY
from attnbench.analysis.growth.curves import squarest, together
from attnbench.analysis.tradeoff.groups import (
    DATA,
    Tradeoff,
    machines_of,
    task_of,
)
from attnbench.analysis.tradeoff.recipes import differing_recipe, recipe_warning
from attnbench.report.figures.bars import bars
from attnbench.report.figures.colours import lines_of
from attnbench.report.figures.crossover import comparable, speed_ups
from attnbench.report.figures.drawing import Drawing, conditions_slug, faded, forward_only
from attnbench.report.figures.frontier import frontier
from attnbench.report.figures.lines import LAYER_METRICS, against_options, against_tokens, on_lines
from attnbench.report.figures.roofline import FOOTNOTE, roofline
from attnbench.report.figures.shares import shares
from attnbench.report.figures.style import slug
from attnbench.report.figures.training import RUN, curves
from attnbench.report.page.limits import largest, legible, undrawn, with_figures, with_frontiers
from attnbench.units import METRICS, primary_score

_GRID = ["conditions_key", "height", "width"]


def drawings(frames: Frames, groups: Sequence[Tradeoff], metric: str) -> Iterator[Drawing]:
    """Yield every figure in turn, so that only one is in memory at a time."""
    layers = with_figures(frames.layers)
    yield from _bars(layers, latest_profile(frames.layers))
    yield from _frontiers(groups, metric)
    yield from against_tokens(layers)
    yield from _speed_ups(layers)
    yield from against_options(layers, frames.options)
    yield from _shares_of_limit(layers)
    yield from _rooflines(layers)
    yield from _curves(frames.epochs)


def latest_profile(layers: pd.DataFrame) -> pd.DataFrame:
    """The cells with the grid and conditions of the newest profile; empty if there are no cells.

    If no record comes from `attnbench profile`, the newest cell measured in rounds is used, else
    the newest cell.
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
    """The latest profile, then every grid under conditions without enough sizes for a line."""
    if not latest.empty:
        yield from _bar(latest, "latest")
    for _, group in layers.groupby("conditions_key", sort=False):
        if on_lines(group).empty:
            for positions, remark in _grids(group):
                rows = group.iloc[positions]
                if not rows.index.equals(latest.index):
                    yield from _bar(rows, "profiles", remark)


def _grids(group: pd.DataFrame) -> Iterator[tuple[list[int], str]]:
    """The rows of each grid with a figure, and a remark if other grids have none."""
    grids = together(group["height"].tolist(), group["width"].tolist())
    for place in largest([len(rows) for rows in grids]):
        yield grids[place], " ".join(undrawn("Grids", len(grids), "layers.csv holds all of them"))


def _bar(rows: pd.DataFrame, section: str, more: str = "") -> Iterator[Drawing]:
    if rows[list(LAYER_METRICS)].isna().all(axis=None):
        return
    first = rows.iloc[0]
    title = f"Cost of one layer at {first['tokens']:,} tokens"
    subtitle = f"{first['height']} × {first['width']} tokens, {first['conditions']}"
    rows = rows.assign(series=rows["implementation_key"])
    shown, remark = legible(rows.sort_values("latency_s", na_position="last", kind="stable"))
    if not remark:
        shown = rows
    note = " ".join(filter(None, (_bar_note(shown), remark, more)))
    yield Drawing(
        section=section,
        name=f"profile-{first['height']}x{first['width']}-{conditions_slug(first)}",
        title=title,
        subtitle=subtitle,
        figure=bars(shown, title=title, subtitle=subtitle, footnote=note),
    )


def _bar_note(rows: pd.DataFrame) -> str:
    known = rows.dropna(subset=["latency_s"])
    parts = [forward_only(rows)]
    if known["latency_low_s"].notna().any():
        parts.append("Whiskers: 95 % interval of the median.")
    if known["latency_low_s"].isna().any():
        parts.append("Bars without whiskers have fewer than 6 samples.")
    parts.append(faded(rows))
    return " ".join(filter(None, parts))


def _speed_ups(layers: pd.DataFrame) -> Iterator[Drawing]:
    """Speed-up over dense against tokens, if a mechanism has it at two sizes."""
    for _, group in squarest(layers).groupby("conditions_key", sort=False):
        rows, remark = legible(comparable(group))
        if rows.empty:
            continue
        title = "Speed-up over dense against tokens"
        yield _drawing("crossover", "speedup-against-tokens", title, rows, speed_ups, remark)


def _frontiers(groups: Sequence[Tradeoff], metric: str) -> Iterator[Drawing]:
    for group in with_frontiers(groups):
        title = f"{_capital(group.score.label)} against {METRICS[metric].label}"
        yield Drawing(
            section="frontier",
            name=f"frontier-{metric.split('_')[0]}-{slug(group.name)}",
            title=title,
            subtitle=group.subtitle,
            figure=frontier(
                group.points,
                group.beaten,
                metric,
                group.score,
                hollow=group.dominated,
                title=title,
                subtitle=group.subtitle,
            ),
        )


def _capital(text: str) -> str:
    """A text as the start of a title; names such as mIoU are written as they are."""
    return text[:1].upper() + text[1:] if text.partition(" ")[0].islower() else text


def _shares_of_limit(layers: pd.DataFrame) -> Iterator[Drawing]:
    """Share of the machine's limit against tokens, if it is known at two sizes."""
    for _, group in layers.dropna(subset=["percent_of_limit"]).groupby(
        "conditions_key", sort=False
    ):
        rows, remark = legible(on_lines(group))
        if rows.empty:
            continue
        title = "Share of the limit against tokens"
        yield _drawing("roofline", "limit-against-tokens", title, rows, shares, remark)


def _rooflines(layers: pd.DataFrame) -> Iterator[Drawing]:
    """A roofline per set of conditions with known limits; forward only: other modes lack bytes."""
    known = layers.dropna(subset=["macs_per_byte", "macs_per_s", "roof_macs_per_s"])
    for _, group in known.groupby("conditions_key", sort=False):
        rows, remark = legible(group.assign(series=group["implementation_key"]))
        note = " ".join(filter(None, (FOOTNOTE, remark)))
        title = "MAC rate under the machine's limits"
        yield _drawing("roofline", "roofline", title, rows, roofline, note)


def _drawing(
    section: str, name: str, title: str, rows: pd.DataFrame, draw: Callable[..., Figure], note: str
) -> Drawing:
    """A figure of rows under one set of conditions, one line per `series`."""
    subtitle = rows["conditions"].iloc[0]
    return Drawing(
        section=section,
        name=f"{name}-{conditions_slug(rows.iloc[0])}",
        title=title,
        subtitle=subtitle,
        figure=draw(rows, lines_of(rows), title=title, subtitle=subtitle, footnote=note),
    )


def _curves(epochs: pd.DataFrame) -> Iterator[Drawing]:
    scored = epochs.dropna(subset=[PRIMARY])
    number = scored.groupby(list(DATA), sort=True).ngroup().tolist()
    grouped = sorted(together(number), key=lambda positions: number[positions[0]])
    for place in largest([len(positions) for positions in grouped]):
        rows = scored.iloc[grouped[place]]
        score = primary_score(rows["task"].iloc[0])
        assert score is not None  # rows without a primary score were dropped
        subtitle = f"{task_of(rows)}; {machines_of(rows)}{recipe_warning(differing_recipe(rows))}"
        title = f"Training: {score.label} after each epoch"
        shown, remark = legible(rows.assign(series=_runs(rows)), "training.csv")
        yield Drawing(
            section="training",
            name=f"training-{slug(task_of(rows))}",
            title=title,
            subtitle=subtitle,
            figure=curves(shown, score, title=title, subtitle=subtitle, footnote=remark),
        )


def _runs(epochs: pd.DataFrame) -> pd.Series:
    """The run of each row: one line of the figure."""
    runs = list(zip(*(epochs[name].tolist() for name in RUN), strict=True))
    return pd.Series(runs, index=epochs.index, dtype="object")

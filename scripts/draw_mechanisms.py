"""The figure of `mechanisms_page.py`: what each mechanism takes, and what it learns."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from mechanisms_tables import FORWARD, Layers, Mechanism, rows_of, top1_interval

from attnbench.files.writing import replacing
from attnbench.registry import ATTENTIONS
from attnbench.report.figures.colours import hue_of, style_of
from attnbench.report.figures.drawing import FADED
from attnbench.report.figures.save import PNG_DPI
from attnbench.report.figures.style import house_style, open_figure, scale_axis, settle

SIZES = (3.5, 5.0, 7.0, 8.5)
"""Of the marks, in 1/72 inch: the more tokens, the larger."""
AN_INCH = 0.2
"""Inches of a row."""


def draw(layers: Layers, models: pd.DataFrame, file: Path) -> None:
    """Latency at each size, and top-1 where trained; the fastest at the largest size on top."""
    ordered = sorted(layers.mechanisms, key=lambda one: -_last_latency(one, layers.sizes[-1]))
    sizes = ", ".join(f"{size:,}" for size in layers.sizes)
    with house_style():
        trained = not models.empty
        figure, panels = open_figure(
            "All mechanisms",
            f"{'Left: m' if trained else 'M'}edian latency of one layer at {sizes} tokens; the "
            "larger the mark, the more."
            + " Right: top-1 of the same trunk with each, trained briefly." * trained,
            "Lines: 95 % intervals"
            + "; those of top-1 know the images that were scored, and no other seeds" * trained
            + ". Faded: graded C, not measured well enough.",
            height=1.0 + AN_INCH * len(ordered), columns=1 + trained,
        )  # fmt: skip
        _latencies(panels[0], ordered, layers.sizes)
        if trained:
            _accuracies(panels[1], ordered, models)
        panels[0].set_yticks(range(len(ordered)), [one.name for one in ordered])
        settle(figure)
        with replacing(file) as new:
            figure.savefig(new, format="png", dpi=PNG_DPI)


def _last_latency(one: Mechanism, tokens: int) -> float:
    cell = one.cell(FORWARD, tokens)
    return 0.0 if cell is None or pd.isna(cell.latency_s) else float(cell.latency_s)


def _latencies(axes: Axes, ordered: list[Mechanism], sizes: list[int]) -> None:
    every = []
    for row, one in enumerate(ordered):
        color, _ = style_of(_hue(one.key.attention))
        for place, tokens in enumerate(sizes):
            cell = one.cell(FORWARD, tokens)
            if cell is None or pd.isna(cell.latency_s):
                continue
            ends = [1e3 * cell.latency_low_s, 1e3 * cell.latency_high_s]
            strength = 1.0 if cell.quotable else FADED
            axes.plot(ends, [row, row], color=color, alpha=strength)
            axes.plot(
                [1e3 * cell.latency_s], [row], marker="o", color=color, alpha=strength,
                markersize=SIZES[min(place, len(SIZES) - 1)],
            )  # fmt: skip
            every.append(1e3 * float(cell.latency_s))
    scale_axis(axes, "x", every or [1.0])
    axes.set_xlabel("latency (ms)")


def _accuracies(axes: Axes, ordered: list[Mechanism], models: pd.DataFrame) -> None:
    rows = {one.key.attention: place for place, one in enumerate(ordered)}
    for row in rows_of(models):
        if row.attention not in rows:
            continue
        place = rows[row.attention]
        color, _ = style_of(_hue(row.attention))
        axes.plot([100 * end for end in top1_interval(row)], [place, place], color=color)
        axes.plot([100 * row.top1], [place], marker="o", markersize=5, color=color)
    axes.set_xlabel("top-1 (%)")


def _hue(attention: str) -> str:
    return hue_of(ATTENTIONS.find(attention).family, attention)

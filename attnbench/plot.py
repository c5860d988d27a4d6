"""The report's figures on matplotlib axes, for notebooks: `frame` comes from `attnbench.load`.

Each function draws on `ax`, or on new axes, and returns them. What must not share axes is refused:
filter the frame first, as in `frame[frame["data"] == "cifar10"]`.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from attnbench.analysis.shortened import some_of
from attnbench.analysis.tradeoff.groups import Tradeoff, metric_of, tradeoffs
from attnbench.bounds import shortened
from attnbench.errors import UserError
from attnbench.report.figures.colours import lines_of
from attnbench.report.figures.frontier import draw_frontier, label_frontier
from attnbench.report.figures.line_plot import draw_against
from attnbench.report.figures.lines import LAYER_METRICS, on_lines
from attnbench.report.figures.style import house_style

MOST_NAMED = 4
"""Groups or conditions that a message names."""


def frontier(frame: pd.DataFrame, ax: Axes | None = None, *, cost: str = "macs") -> Axes:
    """Score against cost of trained models; hollow points are dominated, by their intervals.

    Args:
        frame: of `attnbench.load(…, kind="models")`.
        ax: to draw on.
        cost: macs, latency, memory or params.

    Raises:
        UserError: no model has a score and this cost, or they are not comparable: another data set,
            size of images or batch, or for times and memory another machine.
    """
    _refuse_other_kind(frame, "variant_key", "models")
    metric = metric_of(cost)
    group = _only(list(tradeoffs(frame, metric)), cost)
    with house_style():
        axes = _axes(ax)
        draw_frontier(axes, group.points, group.beaten, metric, group.score, group.dominated)
        axes.set_title(group.subtitle, size=8, wrap=True)
        axes.get_figure(root=True).draw_without_rendering()  # type: ignore[union-attr]
        label_frontier(axes, group.points, group.beaten, metric, group.score)
    return axes


def scaling(frame: pd.DataFrame, ax: Axes | None = None, *, metric: str = "latency_s") -> Axes:
    """A cost of one layer against the number of tokens; faded points are not well measured.

    Args:
        frame: of `attnbench.load(…, kind="layers")`.
        ax: to draw on.
        metric: latency_s, memory_bytes or macs.

    Raises:
        UserError: no implementation has two sizes, or several machines, dtypes or modes are there.
    """
    _refuse_other_kind(frame, "implementation_key", "layers")
    if metric not in LAYER_METRICS:
        raise UserError(
            f"metric: expected one of {', '.join(LAYER_METRICS)}, got {shortened(metric)}"
        )
    conditions = list(dict.fromkeys(frame["conditions"]))
    if len(conditions) > 1:
        raise UserError(
            f"expected layers under equal conditions, got {len(conditions)}: "
            f'{some_of(conditions, MOST_NAMED, "; ")}; choose by frame["conditions"]'
        )
    rows = on_lines(frame)
    if rows[metric].notna().sum() < 2:
        raise UserError(
            f"expected {metric} at two or more numbers of tokens, got none; `attnbench sweep` "
            "measures it"
        )
    with house_style():
        axes = _axes(ax)
        draw_against(axes, rows, "tokens", "tokens", metric, lines_of(rows))
        axes.set_title(conditions[0], size=8, wrap=True)
    return axes


def _refuse_other_kind(frame: pd.DataFrame, column: str, kind: str) -> None:
    if column not in frame:
        raise UserError(
            f"expected a frame of {kind}, got one without the column {column}; take "
            f'attnbench.load(paths, kind="{kind}")'
        )


def _only(groups: list[Tradeoff], cost: str) -> Tradeoff:
    if not groups:
        raise UserError(
            f"expected trained models with a score and {cost}, got none; `attnbench train` makes "
            "them"
        )
    if len(groups) > 1:
        names = [group.name for group in groups]
        raise UserError(
            f"expected comparable models, got {len(groups)} groups: "
            f'{some_of(names, MOST_NAMED, "; ")}; choose by frame["data"], frame["height"] or '
            'frame["environment"]'
        )
    return groups[0]


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    _, made = plt.subplots(figsize=(7.2, 4.2), layout="constrained")
    return made

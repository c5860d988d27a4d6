"""The common style of figures: fonts, header and footnote, axes with plain numbers."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import matplotlib
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from attnbench.report.figures.colours import INK
from attnbench.report.figures.lettering import families, letter

FAINT = "#666666"
LOG_FROM = 3.0
"""Below this ratio of largest to smallest value, a logarithmic axis has too few round numbers."""

RC = {
    "svg.hashsalt": "attnbench",  # the same records give the same bytes
    "svg.fonttype": "path",  # looks the same on a machine without our font
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "figure.autolayout": False,  # each figure names its own layout
    "figure.constrained_layout.use": False,
    "axes.edgecolor": "#bbbbbb",
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": "#e6e6e6",
}


@contextmanager
def house_style() -> Iterator[None]:
    """The style for drawing and saving; it ends with the block."""
    with (
        sns.axes_style("whitegrid"),
        sns.plotting_context("notebook", font_scale=0.8),
        matplotlib.rc_context({**RC, "font.family": families()}),
    ):
        yield


def open_figure(
    title: str,
    subtitle: str,
    footnote: str = "",
    *,
    width: float = 7.2,
    height: float = 3.9,
    columns: int = 1,
) -> tuple[Figure, list[Axes]]:
    """A figure whose header and footnote never overlap the axes; sizes in inches."""
    per_line = int(width * 16.5)  # 16.5 characters of the small print per inch
    header = textwrap.wrap(subtitle, per_line)
    footer = textwrap.wrap(footnote, per_line)
    above, below = 0.42 + 0.16 * len(header), 0.08 + 0.16 * len(footer)
    whole = height + above + below
    engine = ConstrainedLayoutEngine(rect=(0.006, below / whole, 0.988, height / whole))
    figure = Figure(figsize=(width, whole), layout=engine)
    FigureCanvasAgg(figure)
    left = 0.1 / width
    figure.text(left, 1 - 0.1 / whole, title, va="top", weight="bold", size=12)
    small: dict[str, Any] = {"va": "top", "size": 8, "color": FAINT, "linespacing": 1.25}
    figure.text(left, 1 - 0.36 / whole, "\n".join(header), **small)
    figure.text(left, (below - 0.03) / whole, "\n".join(footer), **small)
    panels = list(figure.subplots(1, columns, squeeze=False, sharey=columns > 1)[0])
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, panels


def settle(figure: Figure) -> None:
    """Fix the layout, so that labels can be placed in pixels and files are reproducible."""
    letter(figure)
    figure.draw_without_rendering()
    figure.set_layout_engine(None)  # "none" is an engine too, for which each file is drawn twice
    for axes in figure.axes:
        # The solver's last digits vary between runs and would change the SVG's identifiers.
        left, bottom, width, height = axes.get_position().bounds
        axes.set_position((round(left, 6), round(bottom, 6), round(width, 6), round(height, 6)))


def ticks_at(axis: Axis, values: Sequence[float]) -> None:
    """Label an axis with the measured values, as far as there is room."""
    ordered = sorted(set(values))
    position = axis.get_transform().transform
    span = position(ordered[-1]) - position(ordered[0])
    shown = ordered[:1]
    for value in ordered[1:]:
        if position(value) - position(shown[-1]) >= 0.07 * span:
            shown.append(value)
    axis.set_major_locator(FixedLocator(shown))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def scale_axis(axes: Axes, name: Literal["x", "y"], values: Sequence[float]) -> None:
    """Use plain numbers, and a logarithmic scale if the values span enough for it."""
    axis = axes.xaxis if name == "x" else axes.yaxis
    low, high = min(values), max(values)
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))
    if low <= 0 or high < LOG_FROM * low:
        return
    axes.set(**{f"{name}scale": "log"})
    axis.set_major_locator(LogLocator(subs=_steps_in_a_decade(high / low)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))
    axis.set_minor_locator(NullLocator())


def _steps_in_a_decade(span: float) -> tuple[float, ...]:
    """The multiples of powers of ten to label, so that four to eight labels show."""
    if span < 10:
        return (1, 1.5, 2, 3, 4, 5, 7)
    return (1, 2, 5) if span < 100 else (1,)


def plain_number(value: float) -> str:
    """A number such as 1,000 or 0.05, never 10³."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.6g}"


def slug(text: str, limit: int = 80) -> str:
    """The text as part of a file name: lower-case ASCII letters, digits and dashes."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text.lower())[:limit].strip("-") or "unnamed"

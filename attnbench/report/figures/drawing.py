"""The type of a figure in the report, and the notes that several kinds of figures share."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from attnbench.analysis.quotable import poor
from attnbench.report.figures.style import slug

INTERVAL_NOTE = "Bands: 95 % interval of the median."
TRUST_NOTE = "Faded: trust C, not measured well enough."
NO_LINE = "No line goes through a faded point."
FADED = 0.35
"""Opacity of a latency graded C, which must not be quoted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A figure with its section of the page and its file name (without suffix)."""

    section: str
    name: str
    title: str
    subtitle: str
    figure: Figure


def faded(rows: pd.DataFrame) -> str:
    """A note if the figure contains a latency that nothing is concluded from, else ""."""
    return "" if poor(rows).empty else TRUST_NOTE


def forward_only(rows: pd.DataFrame) -> str:
    """A note on the MACs if the mode is not forward, else ""."""
    return "MACs are those of the forward pass." if rows["mode"].iloc[0] != "forward" else ""


def conditions_slug(row: pd.Series) -> str:
    """The conditions, as part of a file name."""
    return f"{row['mode']}-{row['dtype']}-b{row['batch']}-d{row['dim']}-h{row['heads']}-" + slug(
        row["environment"], limit=60
    )


def why_missing(status: str) -> str:
    """Why a cell has no number, as text."""
    return "not measured" if status == "ok" else status.replace("_", " ")

"""A figure of the report, and what all of them say alike."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from attnbench.report.figures.plots import TRUST_NOTE
from attnbench.report.figures.style import slug


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A figure with the section of the page it belongs to and the stem of its file name."""

    section: str
    name: str
    title: str
    subtitle: str
    figure: Figure


def faded(rows: pd.DataFrame) -> str:
    """What must be said where a latency is not to be quoted."""
    return TRUST_NOTE if (rows["trust"] == "C").any() else ""


def forward_only(rows: pd.DataFrame) -> str:
    """What must be said of MACs beside costs of another mode."""
    return "MACs are those of the forward pass." if rows["mode"].iloc[0] != "forward" else ""


def place(row: pd.Series) -> str:
    """The conditions as part of a file name."""
    return f"{row['mode']}-{row['dtype']}-b{row['batch']}-d{row['dim']}-h{row['heads']}-" + slug(
        row["environment"], limit=60
    )

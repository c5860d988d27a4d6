"""What a page shows where there is more than anyone can read, and the notes on what it leaves out.

What was measured last is shown first. The CSV files hold everything.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

ROWS_ON_PAGE = 500
"""A longer table would be too heavy for a phone."""
FEW_CONDITIONS = 12
"""Up to so many sets of conditions, all have their figures …"""
SHOWN_CONDITIONS = 3
"""… and of more, those that were measured last: a set has up to eight, which take seconds."""
MOST_LINES = 40
"""Lines or bars of a figure: beyond, neither colours nor names could be told apart."""
MOST_ITEMS = 50
"""Of a list in the text."""


def newest_first(layers: pd.DataFrame) -> pd.DataFrame:
    """Layers that are too many to be shown: the conditions that were measured last come first.

    What can be shown whole is left in its order.
    """
    if len(layers) <= ROWS_ON_PAGE and layers["conditions_key"].nunique() <= FEW_CONDITIONS:
        return layers
    newest = layers.groupby("conditions_key", sort=False)["created"].transform("max")
    order = newest.sort_values(ascending=False, kind="stable").index
    return layers.loc[order].reset_index(drop=True)


def with_figures(layers: pd.DataFrame) -> pd.DataFrame:
    """The rows under the conditions that have figures: the first ones, where there are many."""
    keys = list(dict.fromkeys(layers["conditions_key"]))
    if len(keys) <= FEW_CONDITIONS:
        return layers
    return layers[layers["conditions_key"].isin(keys[:SHOWN_CONDITIONS])]


def figures_note(layers: pd.DataFrame) -> list[str]:
    """What there are no figures of, and where its numbers are; nothing where all is drawn."""
    total = layers["conditions_key"].nunique()
    if total <= FEW_CONDITIONS:
        return []
    return [
        f"Figures show the {SHOWN_CONDITIONS} sets of conditions that were measured last, of "
        f"{total:,}: layers.csv holds all of them. Give the report fewer files to see others."
    ]


def legible(rows: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The rows of the first `series` that a figure has room for, and a note on the others."""
    series = list(dict.fromkeys(rows["series"]))
    if len(series) <= MOST_LINES:
        return rows, ""
    remark = f"The first {MOST_LINES} of {len(series):,}; the others are in layers.csv."
    return rows[rows["series"].isin(series[:MOST_LINES])], remark


def listed(items: Sequence[str], where: str, most: int = MOST_ITEMS) -> list[str]:
    """The items, or the first of them and a last one that says how many more are `where`."""
    if len(items) <= most:
        return list(items)
    return [*items[:most], f"… and {len(items) - most:,} more, {where}"]

"""Shorten large reports for the page, with notes on what is left out.

The newest measurements come first. The CSV files hold everything.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from attnbench.analysis.tradeoff.groups import Tradeoff

ROWS_ON_PAGE = 500
"""A longer table would be too heavy for a phone."""
FEW_CONDITIONS = 12
"""Up to this many sets of conditions, all get figures."""
SHOWN_CONDITIONS = 3
"""With more, only the newest ones do: each set has up to eight figures, which take seconds."""
MOST_LINES = 40
"""Lines or bars in a figure; with more, colours and names could not be told apart."""
MOST_ITEMS = 50
"""Items of a list on the page."""
ITEMS_ON_TERMINAL = 3
"""Items of a list below a command's answer; the page has more."""
MOST_FIGURES = 12
"""Figures of one kind that do not belong to a set of conditions; each takes a second."""

CELLS_ON_PAGE = 2500
"""Layers that the page draws and lists; with more it would open slowly."""
CONDITIONS_ON_PAGE = 60
"""Nobody looks through a longer choice."""
MODELS_ON_PAGE = 1000
GROUPS_ON_PAGE = 60
"""Frontiers, of all costs together times five."""
POINTS_ON_PAGE = 300
"""Models of one frontier."""
COMMANDS_AT_ONCE = 3
"""Commands that measure again what is graded C."""
CHANGES_ON_PAGE = 500
LEAST_SIZES = 2
"""Sizes that a curve needs."""
ROWS_OF_SUMMARY = 25
"""Rows of each table in a summary for a pull request."""


def on_page(layers: pd.DataFrame) -> pd.DataFrame:
    """The layers that the page draws and lists, from the first conditions."""
    first = list(dict.fromkeys(layers["conditions_key"]))[:CONDITIONS_ON_PAGE]
    return layers[layers["conditions_key"].isin(first)].head(CELLS_ON_PAGE)


def cells_note(layers: pd.DataFrame, models: pd.DataFrame) -> list[str]:
    """A note if the page leaves out cells, and where they are."""
    found = []
    if len(shown := on_page(layers)) < len(layers):
        found.append(
            f"The page has the {len(shown):,} newest of {len(layers):,} layers; layers.csv holds "
            "all of them. To see others, give the report fewer files."
        )
    if len(models) > MODELS_ON_PAGE:
        found.append(
            f"The page has the first {MODELS_ON_PAGE:,} of {len(models):,} models; models.csv "
            "holds all of them."
        )
    return found


def newest_first(layers: pd.DataFrame) -> pd.DataFrame:
    """Sort layers so that the newest conditions come first, if not all can be shown."""
    if len(layers) <= ROWS_ON_PAGE and layers["conditions_key"].nunique() <= FEW_CONDITIONS:
        return layers
    newest = layers.groupby("conditions_key", sort=False)["created"].transform("max")
    order = newest.sort_values(ascending=False, kind="stable").index
    return layers.loc[order].reset_index(drop=True)


def with_figures(layers: pd.DataFrame) -> pd.DataFrame:
    """The rows whose conditions get figures: all, or the first ones if there are many."""
    keys = list(dict.fromkeys(layers["conditions_key"]))
    if len(keys) <= FEW_CONDITIONS:
        return layers
    return layers[layers["conditions_key"].isin(keys[:SHOWN_CONDITIONS])]


def figures_note(layers: pd.DataFrame) -> list[str]:
    """A note if some conditions get no figures, and where their numbers are."""
    total = layers["conditions_key"].nunique()
    if total <= FEW_CONDITIONS:
        return []
    return [
        f"Figures show the {SHOWN_CONDITIONS} newest of {total:,} sets of conditions; layers.csv "
        "holds all of them. To see others, give the report fewer files."
    ]


def largest(sizes: Sequence[int], most: int = MOST_FIGURES) -> list[int]:
    """The places of the largest groups, which get figures, in their order."""
    ordered = sorted(range(len(sizes)), key=lambda place: -sizes[place])
    return sorted(ordered[:most])


def with_frontiers(groups: Sequence[Tradeoff]) -> list[Tradeoff]:
    """The groups whose frontier is drawn: the largest, of two or more models."""
    several = [group for group in groups if len(group.points) > 1]
    return [several[place] for place in largest([len(group.points) for group in several])]


def undrawn(what: str, total: int, where: str) -> list[str]:
    """A note if only the largest groups have a figure of a kind, and where the others are."""
    if total <= MOST_FIGURES:
        return []
    return [f"{what} are drawn for the {MOST_FIGURES} largest of {total:,} groups; {where}."]


def legible(rows: pd.DataFrame, where: str = "layers.csv") -> tuple[pd.DataFrame, str]:
    """The rows of as many `series` as a figure has room for, and a note on the others."""
    series = list(dict.fromkeys(rows["series"]))
    if len(series) <= MOST_LINES:
        return rows, ""
    remark = f"The first {MOST_LINES} of {len(series):,}; the others are in {where}."
    return rows[rows["series"].isin(series[:MOST_LINES])], remark


def listed(items: Sequence[str], where: str, most: int = MOST_ITEMS) -> list[str]:
    """The items; if there are too many, the first ones and a line that says where the rest is."""
    if len(items) <= most:
        return list(items)
    return [*items[:most], f"and {len(items) - most:,} more, {where}"]

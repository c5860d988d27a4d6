"""Curves of cost over tokens: one cell per size, for one mechanism under one set of conditions."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
import pandas as pd

from attnbench.analysis.interval import NORMAL
from attnbench.analysis.naming import joined_by_and
from attnbench.analysis.quotable import POOR

CURVE = ("conditions_key", "implementation_key")
"""The columns that the cells of a curve share."""


def squarest(layers: pd.DataFrame) -> pd.DataFrame:
    """Keep the cell with the squarest grid, for each curve and token count.

    Windows and strides are padded at the edges, so grids with equal token counts differ in cost. A
    curve must not jump between them.
    """
    aspect = layers["width"] / layers["height"]
    return (
        layers.assign(aspect=aspect.where(aspect >= 1, 1 / aspect))
        .sort_values("aspect", kind="stable")
        .drop_duplicates([*CURVE, "tokens"])
        .sort_index()
        .drop(columns="aspect")
    )


def together(*names: Iterable[Hashable]) -> list[list[int]]:
    """Group row positions by these columns, in order of first appearance.

    A pandas group takes a millisecond by itself, and a large report has tens of thousands of
    curves. Pass lists: they iterate faster than columns of text.
    """
    groups: dict[Hashable, list[int]] = {}
    for position, key in enumerate(zip(*names, strict=True)):
        groups.setdefault(key, []).append(position)
    return list(groups.values())


def floats(column: pd.Series) -> np.ndarray:
    """A column of numbers as an array, with NaN for missing values."""
    return column.to_numpy(dtype=float, na_value=np.nan)


def noise_of(rows: pd.DataFrame) -> np.ndarray:
    """Relative standard error of each median latency, from its 95 % interval; NaN if unknown.

    Only latencies with a known interval are fitted (see `quotable`).
    """
    low, high = floats(rows["latency_low_s"]), floats(rows["latency_high_s"])
    return np.log(high / low) / (2 * NORMAL)


def left_out_note(tokens: Iterable[float]) -> str:
    """A note that names the sizes whose latency is not good enough to conclude from; "" if none."""
    sizes = sorted(set(map(int, tokens)))
    return f"left out, {POOR}: {listed_sizes(sizes)}" if sizes else ""


def listed_sizes(tokens: Iterable[int]) -> str:
    """Each token count: "196 and 1,024 tokens"."""
    return f"{joined_by_and([f'{size:,}' for size in tokens])} tokens"


def sizes_text(tokens: Sequence[float]) -> str:
    """The range of token counts: "196 … 16,384 tokens (7 sizes)"."""
    return f"{min(tokens):,.0f} … {max(tokens):,.0f} tokens ({len(tokens)} sizes)"

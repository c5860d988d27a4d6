"""Curves of cost over tokens: one cell per size, for one mechanism under one set of conditions."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
import pandas as pd

from attnbench.records.doubts.doubt import Grade

CURVE = ("conditions_key", "implementation_key")
"""The columns that the cells of a curve share."""

DOUBTFUL: Grade = "C"
"""Cells of this grade are used; a note says how many."""


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
    """Relative standard error of each median latency, from its 95 % interval; 0 if unknown.

    The interval is unknown for fewer than 6 samples; such cells are graded C.
    """
    low, high = floats(rows["latency_low_s"]), floats(rows["latency_high_s"])
    return np.nan_to_num(np.log(high / low) / (2 * 1.96))


def doubtful_note(grades: Sequence[str]) -> str:
    """A note that counts the cells of grade C, which must not be quoted; "" if there are none."""
    count = list(grades).count(DOUBTFUL)
    return f"{count} of {len(grades)} cells graded {DOUBTFUL}" if count else ""


def sizes_text(tokens: Sequence[float]) -> str:
    """The range of token counts: "196 … 16,384 tokens (7 sizes)"."""
    return f"{min(tokens):,.0f} … {max(tokens):,.0f} tokens ({len(tokens)} sizes)"

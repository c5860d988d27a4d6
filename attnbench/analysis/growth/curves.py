"""Layers as curves over tokens: one cell a size for each mechanism under one set of conditions."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
import pandas as pd

from attnbench.records.trust import Grade

CURVE = ("conditions_key", "implementation_key")
"""The columns that the cells of a curve share."""

DOUBTFUL: Grade = "C"
"""Cells of this grade are used, and notes say where numbers rest on them."""


def squarest(layers: pd.DataFrame) -> pd.DataFrame:
    """Of the cells of a mechanism and token count under the same conditions, the squarest grid's.

    Cells of longer grids cost other than their token count says (windows and strides are padded
    at the edges), so a curve may not jump between grids of one count.
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
    """Positions of the rows that share all of these columns, in the order of first appearance.

    A group of a data frame costs a millisecond before anything is done with it, and a large
    report has tens of thousands of curves. Lists are quick to walk, columns of text are not.
    """
    groups: dict[Hashable, list[int]] = {}
    for position, key in enumerate(zip(*names, strict=True)):
        groups.setdefault(key, []).append(position)
    return list(groups.values())


def floats(column: pd.Series) -> np.ndarray:
    """A column of numbers as an array; what is missing is NaN."""
    return column.to_numpy(dtype=float, na_value=np.nan)


def noise_of(rows: pd.DataFrame) -> np.ndarray:
    """Relative standard error of each median latency, from its 95 % interval; 0 where unknown.

    An interval is unknown with fewer than 6 samples, and such a cell is graded C.
    """
    low, high = floats(rows["latency_low_s"]), floats(rows["latency_high_s"])
    return np.nan_to_num(np.log(high / low) / (2 * 1.96))


def doubtful_note(grades: Sequence[str]) -> str:
    """What must be said where numbers rest on cells that are not to be quoted; else empty."""
    count = list(grades).count(DOUBTFUL)
    return f"{count} of {len(grades)} cells graded {DOUBTFUL}" if count else ""


def sizes_text(tokens: Sequence[float]) -> str:
    """The range of token counts: "196 … 16,384 tokens (7 sizes)"."""
    return f"{min(tokens):,.0f} … {max(tokens):,.0f} tokens ({len(tokens)} sizes)"

"""Scaling exponents: p of cost ∝ tokens^p, for each mechanism and set of conditions.

The exponent is the least-squares slope of log(cost) against log(tokens). Constant overhead
dominates small sizes, so the fit uses large sizes only: the fewest of the largest that number at
least four and span at least a factor of 4 in tokens. If there are too few sizes or their span is
too small, it uses all of them; a note says when the span is too small. The sizes used are part of
the result.

The 95 % interval is the root of the sum of squares of two parts:

- **residuals**: s · t(k - 2) / sqrt(Sxx), with Student's t for k sizes. A curve that bends within
  the fitted range is no power law, and its residuals widen the interval. Three sizes leave one
  degree of freedom (t = 12.7), so their interval is wide;
- **samples**: 1.96 · sqrt(sum (w · sigma)²), where w is the weight of each size in the slope and
  sigma the standard error of its log median. This part is needed because few residuals may be
  small by chance. MACs and memory peaks are counted, so they have no such part.

Both parts contain some of the same noise, so the interval is on the wide side. In simulations with
three to nine sizes it contains the exponent in 93 % of cases or more: with independent noise, with
a shift at each size, and with noise that is correlated from size to size (the tests repeat this).

A latency that is not good enough to conclude from (`quotable`) is left out. Where fewer than three
sizes remain, the row has no exponent but says what to run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from attnbench.analysis.growth.curves import (
    CURVE,
    floats,
    left_out_note,
    listed_sizes,
    noise_of,
    squarest,
    together,
)
from attnbench.analysis.interval import NORMAL, two_sided_95
from attnbench.analysis.quotable import POOR, poor
from attnbench.analysis.remeasure import advice, cells_of

LEAST_SIZES = 3
"""Fewer sizes give no exponent: any two points lie on a line."""
WANTED_SIZES = 4
LEAST_SPAN = 4.0
"""Least factor between the largest and the smallest token count of a fit."""

METRICS_OF_GROWTH = ("latency_s", "memory_bytes", "macs")
YARDSTICK = "training_macs"
"""Used instead of `macs` in modes with a backward pass."""
_HEAD = ["label", "attention", "impl", "options", "conditions", "mode", *CURVE]
SCALING_COLUMNS = [
    *_HEAD, "metric", "exponent",
    "exponent_low", "exponent_high", "from_tokens", "to_tokens", "sizes", "sizes_measured", "notes",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Exponent:
    """A log-log slope with its 95 % interval, and the sizes it was fitted to."""

    value: float
    low: float
    high: float
    tokens: tuple[float, ...]

    @property
    def is_cramped(self) -> bool:
        """Whether the span of the sizes is too small to identify a power law."""
        return self.tokens[-1] < LEAST_SPAN * self.tokens[0]


def exponent_of(
    tokens: np.ndarray, values: np.ndarray, noise: np.ndarray | None = None
) -> Exponent:
    """The scaling exponent of a curve, by the rule of this module.

    Args:
        tokens: token counts, ascending, at least three.
        values: the cost at each, above zero.
        noise: relative standard error of each value; None for counted values.
    """
    sizes = _sizes_of(tuple(tokens.tolist()))
    first, centred, weights = sizes.first, sizes.centred, sizes.weights
    y = np.log(values[first:])
    slope = float(weights @ y)
    residuals = y - y.mean() - slope * centred
    dof = len(y) - 2
    spread = two_sided_95(dof) * sqrt(residuals @ residuals / dof / sizes.squares)
    sampled = np.zeros(1) if noise is None else weights * noise[first:]
    sampling = NORMAL * sqrt(sampled @ sampled)
    half = float(np.hypot(spread, sampling))
    return Exponent(value=slope, low=slope - half, high=slope + half, tokens=sizes.used)


class _Sizes(NamedTuple):
    """What a fit takes from the token counts alone."""

    first: int
    used: tuple[float, ...]
    centred: np.ndarray
    """Logarithms less their mean."""
    squares: float
    weights: np.ndarray
    """Of each value in the slope."""


@lru_cache(maxsize=256)
def _sizes_of(tokens: tuple[float, ...]) -> _Sizes:
    """Remembered, as the mechanisms of a sweep are measured at the same sizes."""
    first = _upper_part(tokens)
    used = tuple(map(float, tokens[first:]))
    x = np.log(used)
    centred = x - x.mean()
    squares = float(centred @ centred)
    return _Sizes(first, used, centred, squares, centred / squares)


def _upper_part(tokens: Sequence[float]) -> int:
    """Index of the first size to use: the last that leaves enough sizes and span, else 0."""
    starts = range(len(tokens) - WANTED_SIZES, -1, -1)
    return next((i for i in starts if tokens[-1] >= LEAST_SPAN * tokens[i]), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cells:
    """The columns of a frame that the fit needs, as arrays and lists."""

    heads: list[tuple[Any, ...]]
    tokens: np.ndarray
    costs: dict[str, np.ndarray]
    noise: np.ndarray
    quotable: np.ndarray
    frame: pd.DataFrame
    """The rows themselves, for notes."""


def scaling(layers: pd.DataFrame) -> pd.DataFrame:
    """One row per mechanism, conditions and metric known at three token counts or more."""
    frame = squarest(layers)
    cells = _Cells(
        heads=list(frame[_HEAD].itertuples(index=False, name=None)),
        tokens=floats(frame["tokens"]),
        costs={name: floats(frame[name]) for name in (*METRICS_OF_GROWTH, YARDSTICK)},
        noise=noise_of(frame),
        quotable=frame["quotable"].to_numpy(dtype=bool),
        frame=frame,
    )
    rows: list[dict[str, Any]] = []
    for curve in together(*(frame[column].tolist() for column in CURVE)):
        rows += _rows_of(cells, np.array(sorted(curve, key=lambda index: cells.tokens[index])))
    return pd.DataFrame(rows, columns=SCALING_COLUMNS)


def _rows_of(cells: _Cells, curve: np.ndarray) -> Iterator[dict[str, Any]]:
    """The rows of one curve; `curve` holds its row numbers in ascending order of tokens."""
    head = dict(zip(_HEAD, cells.heads[curve[0]], strict=True))
    for metric in METRICS_OF_GROWTH:
        column = _column_of(metric, head["mode"])
        known = curve[cells.costs[column][curve] > 0]  # drops NaN, and zero for its logarithm
        if len(known) >= LEAST_SIZES:
            yield {**head, "metric": column, **_fit(cells, known, column)}


def _fit(cells: _Cells, known: np.ndarray, column: str) -> dict[str, Any]:
    """The exponent of one metric of a curve; without one if too few latencies may be quoted."""
    timed = column == "latency_s"
    used = known[cells.quotable[known]] if timed else known
    if len(used) < LEAST_SIZES:
        return {"sizes": 0, "sizes_measured": len(known), "notes": _too_few(cells, known)}
    noise = cells.noise[used] if timed else None
    exponent = exponent_of(cells.tokens[used], cells.costs[column][used], noise)
    return {
        "exponent": exponent.value, "exponent_low": exponent.low,
        "exponent_high": exponent.high, "from_tokens": int(exponent.tokens[0]),
        "to_tokens": int(exponent.tokens[-1]), "sizes": len(exponent.tokens),
        "sizes_measured": len(known),
        "notes": _notes(exponent, left_out_note(cells.tokens[_left_out(cells, known, timed)])),
    }  # fmt: skip


def _left_out(cells: _Cells, known: np.ndarray, timed: bool) -> np.ndarray:
    """Row numbers of the latencies that are not good enough to conclude from."""
    return known[~cells.quotable[known]] if timed else known[:0]


def _too_few(cells: _Cells, known: np.ndarray) -> str:
    left_out = poor(cells.frame.iloc[known])
    sizes = listed_sizes(sorted(left_out["tokens"]))
    return f"{POOR}: {sizes} ({advice(cells_of(left_out), beside_dense=False)})"


def _column_of(metric: str, mode: str) -> str:
    """The column of a metric: modes with a backward pass use the MACs of training."""
    return YARDSTICK if metric == "macs" and mode != "forward" else metric


def _notes(exponent: Exponent, left_out: str) -> str:
    span = exponent.tokens[-1] / exponent.tokens[0]
    cramped = f"all sizes span only a factor of {span:.1f}" if exponent.is_cramped else ""
    return "; ".join(filter(None, [cramped, left_out]))

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
_MODE = _HEAD.index("mode")
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


Series = tuple[np.ndarray, np.ndarray, np.ndarray | None]
"""Token counts, ascending, at least three; the cost at each, above zero; and the relative standard
error of each cost, None for counted ones."""


def exponent_of(
    tokens: np.ndarray, values: np.ndarray, noise: np.ndarray | None = None
) -> Exponent:
    """The scaling exponent of a curve (see `Series`), by the rule of this module."""
    return exponents_of([(tokens, values, noise)])[0]


def exponents_of(many: Sequence[Series]) -> list[Exponent]:
    """The same of many curves; those that were measured at the same sizes are fitted together."""
    alike: dict[Any, list[int]] = {}
    for at, (tokens, _, noise) in enumerate(many):
        alike.setdefault((tokens.tobytes(), noise is None), []).append(at)
    found: dict[int, Exponent] = {}
    for places in alike.values():
        found.update(zip(places, _fitted([many[at] for at in places]), strict=True))
    return [found[at] for at in range(len(many))]


def _fitted(alike: Sequence[Series]) -> Iterator[Exponent]:
    """The exponents of curves at the same sizes, all with noise or all without."""
    sizes = _sizes_of(tuple(alike[0][0].tolist()))
    y = np.log(np.array([values for _, values, _ in alike])[:, sizes.first :])
    slopes = y @ sizes.weights
    residuals = y - y.mean(axis=1, keepdims=True) - np.outer(slopes, sizes.centred)
    dof = y.shape[1] - 2
    halves = two_sided_95(dof) * np.sqrt((residuals**2).sum(axis=1) / dof / sizes.squares)
    noises = [noise[sizes.first :] for _, _, noise in alike if noise is not None]
    if noises:
        sampled = sizes.weights * np.array(noises)
        halves = np.hypot(halves, NORMAL * np.sqrt((sampled**2).sum(axis=1)))
    for slope, half in zip(slopes.tolist(), halves.tolist(), strict=True):
        yield Exponent(value=slope, low=slope - half, high=slope + half, tokens=sizes.used)


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


class _Asked(NamedTuple):
    """One metric of a curve; the row numbers are in ascending order of tokens."""

    column: str
    known: np.ndarray
    """Row numbers of the cells that have it."""
    used: np.ndarray
    """Those that are good enough to conclude from."""

    @property
    def is_fitted(self) -> bool:
        return len(self.used) >= LEAST_SIZES


def scaling(layers: pd.DataFrame) -> pd.DataFrame:
    """One row per mechanism, conditions and metric known at three token counts or more."""
    frame = squarest(layers)
    cells = _Cells(
        heads=list(zip(*(frame[name].tolist() for name in _HEAD), strict=True)),
        tokens=floats(frame["tokens"]),
        costs={name: floats(frame[name]) for name in (*METRICS_OF_GROWTH, YARDSTICK)},
        noise=noise_of(frame),
        quotable=frame["quotable"].to_numpy(dtype=bool),
        frame=frame,
    )
    tokens_at = frame["tokens"].tolist().__getitem__
    curves = together(*(frame[column].tolist() for column in CURVE))
    asked = [
        one for curve in curves for one in _asked_of(cells, np.array(sorted(curve, key=tokens_at)))
    ]
    exponents = iter(exponents_of([_series(cells, one) for one in asked if one.is_fitted]))
    rows = [
        dict(zip(_HEAD, cells.heads[one.known[0]], strict=True))
        | {"metric": one.column}
        | (_row(cells, one, next(exponents)) if one.is_fitted else _unfitted(cells, one))
        for one in asked
    ]
    return pd.DataFrame(rows, columns=SCALING_COLUMNS)


def _asked_of(cells: _Cells, curve: np.ndarray) -> Iterator[_Asked]:
    """The metrics of one curve that are known at enough sizes."""
    mode = cells.heads[curve[0]][_MODE]
    for metric in METRICS_OF_GROWTH:
        column = _column_of(metric, mode)
        known = curve[cells.costs[column][curve] > 0]  # drops NaN, and zero for its logarithm
        if len(known) >= LEAST_SIZES:
            used = known[cells.quotable[known]] if _is_timed(column) else known
            yield _Asked(column, known, used)


def _is_timed(column: str) -> bool:
    return column == "latency_s"


def _series(cells: _Cells, asked: _Asked) -> Series:
    used = asked.used
    noise = cells.noise[used] if _is_timed(asked.column) else None
    return cells.tokens[used], cells.costs[asked.column][used], noise


def _row(cells: _Cells, asked: _Asked, exponent: Exponent) -> dict[str, Any]:
    return {
        "exponent": exponent.value, "exponent_low": exponent.low,
        "exponent_high": exponent.high, "from_tokens": int(exponent.tokens[0]),
        "to_tokens": int(exponent.tokens[-1]), "sizes": len(exponent.tokens),
        "sizes_measured": len(asked.known), "notes": _notes(exponent, _left_out(cells, asked)),
    }  # fmt: skip


def _left_out(cells: _Cells, asked: _Asked) -> str:
    """A note on the latencies that are not good enough to conclude from."""
    if len(asked.used) == len(asked.known):
        return ""
    return left_out_note(cells.tokens[asked.known[~cells.quotable[asked.known]]])


def _unfitted(cells: _Cells, asked: _Asked) -> dict[str, Any]:
    """No exponent, as too few latencies may be quoted, but what to run."""
    left_out = poor(cells.frame.iloc[asked.known])
    sizes = listed_sizes(sorted(left_out["tokens"]))
    notes = f"{POOR}: {sizes} ({advice(cells_of(left_out), beside_dense=False)})"
    return {"sizes": 0, "sizes_measured": len(asked.known), "notes": notes}


def _column_of(metric: str, mode: str) -> str:
    """The column of a metric: modes with a backward pass use the MACs of training."""
    return YARDSTICK if metric == "macs" and mode != "forward" else metric


def _notes(exponent: Exponent, left_out: str) -> str:
    span = exponent.tokens[-1] / exponent.tokens[0]
    cramped = f"all sizes span only a factor of {span:.1f}" if exponent.is_cramped else ""
    return "; ".join(filter(None, [cramped, left_out]))

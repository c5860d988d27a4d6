"""Crossovers: the size from which a mechanism costs less than dense attention.

The baseline at each size is that of the `speedup` column (see `baseline`). It may be a different
implementation at each size; all of them are named. The ratio is dense ÷ mechanism: above 1, the
mechanism costs less.

| cost | source |
|---|---|
| MACs | counts of one forward call |
| latency | the speed-up in mode forward, with its interval (paired if measured so) |
| memory | net peak in mode forward; counted |
| training step | the speed-up in mode train, else in forward+backward |

`ratio_crossing` defines a crossing and its interval. Each size is also given as a resolution: the
side of a square image that has this many patches of 16 × 16 pixels.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from math import inf, nan, sqrt
from typing import Any

import pandas as pd

from attnbench.analysis.growth.curves import CURVE, doubtful_note, squarest, together
from attnbench.analysis.keys import LayerConditions
from attnbench.analysis.speedup.baseline import fastest, is_baseline
from attnbench.analysis.speedup.ratio_crossing import Crossing, Crossings, Point, crossings

Row = Any
"""A row of the frame of layers, from `itertuples`."""

PATCH = 16
"""Side of a patch in pixels; it turns token counts into image sizes."""
LEAST_SIZES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A kind of cost, its column, and its modes; the first that was measured is used."""

    name: str
    column: str
    modes: tuple[str, ...]


COSTS = (
    Cost(name="MACs", column="macs", modes=("forward", "train", "forward+backward")),
    Cost(name="latency", column="speedup", modes=("forward",)),
    Cost(name="memory", column="memory_bytes", modes=("forward",)),
    Cost(name="training step", column="speedup", modes=("train", "forward+backward")),
)
CROSSOVER_COLUMNS = [
    "label", "attention", "impl", "options", *CURVE, "mode", "cost", "outcome", "tokens",
    "tokens_low", "tokens_high", "measured_below", "measured_above", "resolution_px",
    "resolution_low_px", "resolution_high_px", "crossings", "smallest_tokens", "largest_tokens",
    "sizes", "ratio_at_smallest", "ratio_at_largest", "baseline_keys", "judged", "notes",
]  # fmt: skip
_HEAD = ("label", "attention", "impl", "options", "mode", "implementation_key")
_NEEDED = [
    *_HEAD, "conditions_key", "height", "width", "tokens", "status", "trust",
    "baseline_key", "latency_s",
    "macs", "memory_bytes", "speedup", "speedup_low", "speedup_high",
]  # fmt: skip


def resolution_of(tokens: float) -> float:
    """Side in pixels of a square image with that many patches of 16 × 16 pixels."""
    return PATCH * sqrt(tokens)


class _Dense:
    """The dense cells, looked up by conditions and grid."""

    def __init__(self, layers: pd.DataFrame) -> None:
        self._beside: dict[Hashable, list[Row]] = {}
        self._baselines: dict[Hashable, Row | None] = {}
        for row in _cells(layers[_are_baselines(layers)]):
            self._beside.setdefault(_grid_of(row), []).append(row)

    def beside(self, row: Row) -> Sequence[Row]:
        """The dense cells with the same grid and conditions."""
        return self._beside.get(_grid_of(row), [])

    def baseline_of(self, row: Row) -> Row | None:
        """The baseline of the row's speed-up; without a speed-up, the fastest of `beside`."""
        key = *_grid_of(row), row.baseline_key
        if key not in self._baselines:
            beside = self.beside(row)
            same = [one for one in beside if one.implementation_key == row.baseline_key]
            self._baselines[key] = fastest(same or beside, _latency_or_last)
        return self._baselines[key]


def _are_baselines(layers: pd.DataFrame) -> pd.Series:
    return layers["attention"].map(is_baseline).astype(bool)


def _grid_of(row: Row) -> tuple[Hashable, ...]:
    return row.conditions_key, row.height, row.width


def _cells(layers: pd.DataFrame) -> list[Row]:
    plain = layers[_NEEDED].astype(object)  # iterates three times as fast
    return list(plain.itertuples(index=False))


def _latency_or_last(row: Row) -> float:
    return inf if pd.isna(row.latency_s) else float(row.latency_s)


def crossovers(layers: pd.DataFrame) -> pd.DataFrame:
    """One row per mechanism other than dense, conditions (in any mode) and kind of cost.

    A cost that can be compared with dense at fewer than two sizes has no row.
    """
    rows: list[dict[str, Any]] = []
    dense = _Dense(layers)
    others = _cells(squarest(layers[~_are_baselines(layers)]))
    of_any_mode = {key: key.of_any_mode for key in {row.conditions_key for row in others}}
    conditions = [of_any_mode[row.conditions_key] for row in others]
    for curve in together(conditions, (row.implementation_key for row in others)):
        cells = [others[index] for index in curve]
        for cost in COSTS:
            rows += _rows_of(cells, dense, cost, conditions[curve[0]])
    return pd.DataFrame(rows, columns=CROSSOVER_COLUMNS)


def _rows_of(
    cells: Sequence[Row], dense: _Dense, cost: Cost, conditions: LayerConditions
) -> Iterator[dict[str, Any]]:
    """One row from the first mode with enough sizes, or none."""
    for mode in cost.modes:
        curve = sorted((row for row in cells if row.mode == mode), key=lambda row: row.tokens)
        beside = [(row, point) for row in curve if (point := _point(row, dense, cost))]
        if len(beside) >= LEAST_SIZES:
            used = [row for row, _ in beside]
            judged = crossings([point for _, point in beside])
            yield _row(used, conditions, cost, judged) | {"notes": _notes(curve, used, dense, cost)}
            return


def _point(row: Row, dense: _Dense, cost: Cost) -> Point | None:
    """The ratio at one size; None if either side was not measured."""
    if cost.column == "speedup":
        return speedup_point(row)
    partner = dense.baseline_of(row)
    if partner is None:
        return None
    own, other = getattr(row, cost.column), getattr(partner, cost.column)
    if any(pd.isna(value) or value == 0 for value in (own, other)):
        return None
    ratio = float(other) / float(own)
    return Point(tokens=float(row.tokens), ratio=ratio, low=ratio, high=ratio, is_exact=True)


def speedup_point(row: Any) -> Point | None:
    """The speed-up of a row with its interval; None if it has none."""
    if pd.isna(row.speedup):
        return None
    low, high = (nan if pd.isna(v) else float(v) for v in (row.speedup_low, row.speedup_high))
    return Point(tokens=float(row.tokens), ratio=float(row.speedup), low=low, high=high)


def _row(
    used: Sequence[Row], conditions: LayerConditions, cost: Cost, judged: Crossings
) -> dict[str, Any]:
    first, last = judged.points[0], judged.points[-1]
    rise = judged.last_rise
    return {
        **{name: getattr(used[0], name) for name in _HEAD},
        "conditions_key": conditions, "cost": cost.name, "outcome": judged.outcome,
        **_crossing_columns(rise),
        "crossings": len(judged.found), "smallest_tokens": int(first.tokens),
        "largest_tokens": int(last.tokens), "sizes": len(judged.points),
        "ratio_at_smallest": first.ratio, "ratio_at_largest": last.ratio,
        "baseline_keys": frozenset(row.baseline_key for row in used) - {None},
        "judged": judged,
    }  # fmt: skip


def _crossing_columns(rise: Crossing | None) -> dict[str, float | None]:
    ends = (rise.tokens, rise.low, rise.high) if rise else (None, None, None)
    sides = [None if end is None else resolution_of(end) for end in ends]
    names = ("", "_low", "_high")
    below, above = rise.between if rise else (None, None)
    return {
        "measured_below": below,
        "measured_above": above,
        **{f"tokens{name}": end for name, end in zip(names, ends, strict=True)},
        **{f"resolution{name}_px": side for name, side in zip(names, sides, strict=True)},
    }


def _notes(curve: Sequence[Row], used: Sequence[Row], dense: _Dense, cost: Cost) -> str:
    if cost.column != "speedup":
        return ""
    partners = [partner for row in used if (partner := dense.baseline_of(row))]
    grades = [row.trust for row in (*used, *partners)]
    compared = {row.tokens for row in used}  # a curve has one cell of each token count
    alone = [row for row in curve if row.tokens not in compared and not pd.isna(row.latency_s)]
    return "; ".join(filter(None, [doubtful_note(grades), *(_alone(row, dense) for row in alone)]))


def _alone(row: Row, dense: _Dense) -> str:
    """Why a size has no comparison, such as dense running out of memory."""
    why = ", ".join(sorted({other.status.replace("_", " ") for other in dense.beside(row)}))
    return f"no dense baseline at {row.tokens:,} tokens ({why or 'not measured'})"

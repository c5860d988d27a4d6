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

Sizes at which the latency of either side is not good enough to conclude from (`quotable`) are left
out and named. If fewer than two sizes remain, the outcome is "not measured well enough", and the
notes say what to run. `ratio_crossing` defines a crossing and its interval. Each size is also given
as a resolution: the side of a square image that has this many patches of 16 × 16 pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, sqrt
from typing import Any, NamedTuple

import pandas as pd

from attnbench.analysis.growth.curves import CURVE, listed_sizes, squarest, together
from attnbench.analysis.keys import LayerConditions
from attnbench.analysis.quotable import POOR
from attnbench.analysis.remeasure import Cell, advice
from attnbench.analysis.speedup.dense_cells import HEAD, DenseCells, Row, are_baselines, plain_rows
from attnbench.analysis.speedup.ratio_crossing import (
    LEAST_SIZES,
    Crossing,
    Crossings,
    Point,
    crossings,
)

PATCH = 16
"""Side of a patch in pixels; it turns token counts into image sizes."""


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


def resolution_of(tokens: float) -> float:
    """Side in pixels of a square image with that many patches of 16 × 16 pixels."""
    return PATCH * sqrt(tokens)


def crossovers(layers: pd.DataFrame) -> pd.DataFrame:
    """One row per mechanism other than dense, conditions (in any mode) and kind of cost.

    A cost that can be compared with dense at fewer than two sizes has no row.
    """
    rows: list[dict[str, Any]] = []
    dense = DenseCells(layers)
    others = plain_rows(squarest(layers[~are_baselines(layers)]))
    of_any_mode = {key: key.of_any_mode for key in {row.conditions_key for row in others}}
    conditions = [of_any_mode[row.conditions_key] for row in others]
    for curve in together(conditions, (row.implementation_key for row in others)):
        cells = _by_mode((others[index] for index in curve), dense)
        for cost in COSTS:
            rows += _rows_of(cells, dense, cost, conditions[curve[0]])
    return pd.DataFrame(rows, columns=CROSSOVER_COLUMNS)


class _Beside(NamedTuple):
    """A cell, and the dense cell that it is compared with."""

    row: Row
    dense: Row | None


def _by_mode(rows: Iterable[Row], dense: DenseCells) -> dict[str, list[_Beside]]:
    """The cells of each mode, in ascending order of tokens."""
    found: dict[str, list[_Beside]] = {}
    for row in sorted(rows, key=lambda row: row.tokens):
        found.setdefault(row.mode, []).append(_Beside(row, dense.baseline_of(row)))
    return found


def _rows_of(
    cells: Mapping[str, Sequence[_Beside]],
    dense: DenseCells,
    cost: Cost,
    conditions: LayerConditions,
) -> Iterator[dict[str, Any]]:
    """One row from the first mode with enough sizes, or none."""
    for mode in cost.modes:
        curve = cells.get(mode, ())
        beside = [(one.row, point) for one in curve if (point := _point(one, cost))]
        if len(beside) >= LEAST_SIZES:
            compared = [row for row, _ in beside]
            judged = crossings(
                [point for row, point in beside if _may_be_used(row, cost)],
                [row.tokens for row in compared if not _may_be_used(row, cost)],
            )
            notes = _notes([one.row for one in curve], compared, dense, cost, judged)
            yield _row(compared, conditions, cost, judged) | {"notes": notes}
            return


def _may_be_used(row: Row, cost: Cost) -> bool:
    return cost.column != "speedup" or bool(row.speedup_quotable)


def _point(beside: _Beside, cost: Cost) -> Point | None:
    """The ratio at one size; None if either side was not measured."""
    row = beside.row
    if cost.column == "speedup":
        return speedup_point(row)
    if beside.dense is None:
        return None
    own, other = getattr(row, cost.column), getattr(beside.dense, cost.column)
    if isnan(own) or isnan(other) or not own or not other:
        return None
    ratio = other / own
    return Point(tokens=float(row.tokens), ratio=ratio, low=ratio, high=ratio, is_exact=True)


def speedup_point(row: Any) -> Point | None:
    """The speed-up of a row with its interval; None if it has none."""
    if isnan(row.speedup):
        return None
    return Point(
        tokens=float(row.tokens), ratio=row.speedup, low=row.speedup_low, high=row.speedup_high
    )


def _row(
    compared: Sequence[Row], conditions: LayerConditions, cost: Cost, judged: Crossings
) -> dict[str, Any]:
    return {
        **{name: getattr(compared[0], name) for name in HEAD},
        "conditions_key": conditions, "cost": cost.name, "outcome": judged.outcome,
        **_crossing_columns(judged.last_rise),
        "crossings": len(judged.found), "sizes": len(judged.points),
        **_ends(judged.points),
        "baseline_keys": frozenset(row.baseline_key for row in compared) - {None},
        "judged": judged,
    }  # fmt: skip


def _ends(points: Sequence[Point]) -> dict[str, float]:
    """The smallest and the largest size with their ratios; nothing if no size may be used."""
    if not points:
        return {}
    first, last = points[0], points[-1]
    return {
        "smallest_tokens": int(first.tokens), "largest_tokens": int(last.tokens),
        "ratio_at_smallest": first.ratio, "ratio_at_largest": last.ratio,
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


def _notes(
    curve: Sequence[Row], compared: Sequence[Row], dense: DenseCells, cost: Cost, judged: Crossings
) -> str:
    """Sizes that were left out, with what to run, and sizes without a baseline."""
    if cost.column != "speedup":
        return ""
    left_out = [row for row in compared if not _may_be_used(row, cost)]
    sizes = {row.tokens for row in compared}  # a curve has one cell of each token count
    alone = [row for row in curve if row.tokens not in sizes and not isnan(row.latency_s)]
    parts = [_left_out(left_out, dense, judged), *(_alone(row, dense) for row in alone)]
    return "; ".join(filter(None, parts))


def _left_out(rows: Sequence[Row], dense: DenseCells, judged: Crossings) -> str:
    """Which sizes were left out, and for which side; with what to run if too few remain."""
    if not rows:
        return ""
    own = [row.tokens for row in rows if not row.quotable]
    over = [row.tokens for row in rows if row.quotable or _is_poor(dense.baseline_of(row))]
    sides = [
        f"{side} at {listed_sizes(sizes)}"
        for side, sizes in ((rows[0].label, own), ("dense", over))
        if sizes
    ]
    text = f"left out, {POOR}: {', '.join(sides)}"
    if judged.outcome != POOR:
        return text
    return f"{text} ({advice(_cell(row) for row in rows)})"


def _is_poor(row: Row | None) -> bool:
    return row is not None and not row.quotable


def _cell(row: Row) -> Cell:
    return Cell(
        implementation=row.implementation_key, conditions=row.conditions_key,
        grid=(int(row.height), int(row.width)),
    )  # fmt: skip


def _alone(row: Row, dense: DenseCells) -> str:
    """Why a size has no comparison, such as dense running out of memory."""
    why = ", ".join(sorted({other.status.replace("_", " ") for other in dense.beside(row)}))
    return f"no dense baseline at {row.tokens:,} tokens ({why or 'not measured'})"

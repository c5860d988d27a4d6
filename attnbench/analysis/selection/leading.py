"""Which implementation stands for each mechanism, and who is the fastest at each size.

Nothing here rests on a latency that is not good enough to conclude from (see `quotable`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from attnbench.analysis.growth.curves import squarest, together
from attnbench.analysis.keys import Implementation, LayerConditions
from attnbench.errors import UserError
from attnbench.registry import ATTENTIONS

Series = tuple[LayerConditions, Implementation]
Row = Any
"""One row of a frame, from `itertuples`."""
COLUMNS = [
    "conditions_key", "implementation_key", "attention", "tokens", "label", "latency_s",
    "latency_low_s", "latency_high_s", "quotable", "speedup", "speedup_low", "speedup_high",
    "speedup_quotable", "baseline",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    """The cell with the lowest median at one size, and those that may be as fast."""

    tokens: int
    cell: Row
    rivals: tuple[Row, ...]
    """Cells of other mechanisms whose interval overlaps with that of the leader."""
    compared: int
    """Mechanisms that were measured well enough at this size, this one included."""


def leading(layers: pd.DataFrame) -> set[Series]:
    """The fastest implementation of each mechanism, under each set of conditions.

    With the default options, where these were measured. It is the one that is the fastest at most
    sizes; where no latency is good enough, the one with most sizes, the first in order.
    """
    rows = _rows(layers)
    groups = together((row.conditions_key for row in rows), (row.attention for row in rows))
    return {
        (rows[group[0]].conditions_key, _leading([rows[index] for index in group]))
        for group in groups
    }


def _rows(layers: pd.DataFrame) -> list[Row]:
    return list(squarest(layers)[COLUMNS].itertuples(index=False))


def _leading(rows: Sequence[Row]) -> Implementation:
    usual = [row for row in rows if has_default_options(row.implementation_key)]
    candidates = usual or list(rows)
    wins = [_fastest(cells) for cells in _by(candidates, "tokens") if cells]
    sizes = _count(row.implementation_key for row in candidates)
    won = _count(row.implementation_key for row in wins if row is not None)
    return max(
        dict.fromkeys(row.implementation_key for row in candidates),
        key=lambda key: (won.get(key, 0), sizes[key]),
    )


def has_default_options(key: Implementation) -> bool:
    """Whether each option that was given is a sweepable one at its default."""
    try:
        usual = {one.name: one.default for one in ATTENTIONS.find(key.attention).sweepable}
    except UserError:
        usual = {}
    return all(usual.get(name, _NEVER) == value for name, value in key.options.items())


_NEVER = object()
"""Equals no value of an option."""


def _fastest(rows: Sequence[Row]) -> Row | None:
    good = [row for row in rows if row.quotable]
    return min(good, key=lambda row: row.latency_s, default=None)


def _by(rows: Sequence[Row], name: str) -> list[list[Row]]:
    return [[rows[at] for at in group] for group in together(getattr(row, name) for row in rows)]


def _count(keys: Iterable[Hashable]) -> dict[Hashable, int]:
    count: dict[Hashable, int] = {}
    for key in keys:
        count[key] = count.get(key, 0) + 1
    return count


def leaders(layers: pd.DataFrame) -> list[Leader]:
    """The fastest cell at each size under one set of conditions, the smallest size first.

    A size at which fewer than two mechanisms were measured well enough has none.
    """
    good = [row for row in _rows(layers) if row.quotable]
    found = (_leader(cells) for cells in _by(good, "tokens"))
    return sorted((one for one in found if one), key=lambda one: one.tokens)


def _leader(cells: Sequence[Row]) -> Leader | None:
    best_of_each = [min(own, key=lambda row: row.latency_s) for own in _by(cells, "attention")]
    if len(best_of_each) < 2:
        return None
    best = min(best_of_each, key=lambda row: row.latency_s)
    others = [row for row in cells if row.attention != best.attention]
    rivals = tuple(row for row in others if row.latency_low_s <= best.latency_high_s)
    return Leader(tokens=int(best.tokens), cell=best, rivals=rivals, compared=len(best_of_each))

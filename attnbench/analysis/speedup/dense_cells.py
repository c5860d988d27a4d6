"""The dense cells that the cells of a frame are compared with, one row each."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import inf, isnan
from typing import NamedTuple

import pandas as pd

from attnbench.analysis.growth.curves import floats
from attnbench.analysis.keys import Implementation, LayerConditions
from attnbench.analysis.speedup.baseline import fastest, is_baseline

HEAD = ("label", "attention", "impl", "options", "mode", "implementation_key")
_NUMBERS = (
    "latency_s", "macs", "memory_bytes", "speedup", "speedup_low", "speedup_high",
)  # fmt: skip


class Row(NamedTuple):
    """What is needed of a row of the frame of layers; a number that is missing is NaN."""

    label: str
    attention: str
    impl: str
    options: str
    mode: str
    implementation_key: Implementation
    conditions_key: LayerConditions
    baseline_key: Implementation | None
    height: int
    width: int
    tokens: int
    status: str
    quotable: bool
    speedup_quotable: bool
    latency_s: float
    macs: float
    memory_bytes: float
    speedup: float
    speedup_low: float
    speedup_high: float


class DenseCells:
    """The dense cells, looked up by conditions and grid."""

    def __init__(self, layers: pd.DataFrame) -> None:
        self._beside: dict[Hashable, list[Row]] = {}
        self._baselines: dict[Hashable, Row | None] = {}
        for row in plain_rows(layers[are_baselines(layers)]):
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


def are_baselines(layers: pd.DataFrame) -> pd.Series:
    """Whether each row can be the baseline of speed-ups."""
    return layers["attention"].map(is_baseline).astype(bool)


def _grid_of(row: Row) -> tuple[Hashable, ...]:
    return row.conditions_key, row.height, row.width


def plain_rows(layers: pd.DataFrame) -> list[Row]:
    """The needed columns of each row."""
    columns = (floats(layers[n]) if n in _NUMBERS else layers[n] for n in Row._fields)
    return list(map(Row, *(column.tolist() for column in columns)))


def _latency_or_last(row: Row) -> float:
    return inf if isnan(row.latency_s) else float(row.latency_s)

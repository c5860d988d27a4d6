"""The measured cells of one curve as arrays. A frame for each of thousands of curves is slow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from attnbench.analysis.growth.curves import floats, noise_of, squarest, together
from attnbench.analysis.keys import Implementation, LayerConditions
from attnbench.analysis.remeasure import Cell

_HEAD = (
    "label", "conditions", "attention", "impl", "options", "implementation_key", "conditions_key",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """Cells of one mechanism under one set of conditions, in ascending order of tokens."""

    label: str
    conditions: str
    attention: str
    impl: str
    options: str
    implementation_key: Implementation
    conditions_key: LayerConditions
    tokens: np.ndarray
    sides: np.ndarray
    """Height and width of each grid in tokens."""
    statuses: np.ndarray
    latency_s: np.ndarray
    """NaN where there is none."""
    noise: np.ndarray
    """Relative standard error of each latency; NaN where it is unknown."""
    memory_bytes: np.ndarray
    quotable: np.ndarray
    """Whether the latency is good enough to conclude from."""

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def sizes(self) -> list[int]:
        """The token counts."""
        return [int(size) for size in self.tokens]

    @property
    def cells(self) -> list[Cell]:
        """The cells, for advice on what to measure."""
        return [
            Cell(
                implementation=self.implementation_key, conditions=self.conditions_key,
                grid=(int(height), int(width)),
            )
            for height, width in self.sides
        ]  # fmt: skip

    @property
    def timed(self) -> Measured:
        """Those with a latency."""
        return self.where(~np.isnan(self.latency_s))

    @property
    def sure(self) -> Measured:
        """Those whose latency is good enough to conclude from."""
        return self.where(self.quotable)

    @property
    def poor(self) -> Measured:
        """Those with a latency that is not good enough to conclude from."""
        return self.where(~np.isnan(self.latency_s) & ~self.quotable)

    def where(self, chosen: np.ndarray) -> Measured:
        """The cells at these places, or those for which this is true."""
        head = {name: getattr(self, name) for name in _HEAD}
        columns = {name: getattr(self, name)[chosen] for name in _COLUMNS}
        return Measured(**head, **columns)


_COLUMNS = ("tokens", "sides", "statuses", "latency_s", "noise", "memory_bytes", "quotable")


def measured(layers: pd.DataFrame) -> Iterator[list[Measured]]:
    """The curves under each set of conditions, in the order of the frame."""
    frame = squarest(layers)
    columns = {
        "tokens": floats(frame["tokens"]),
        "sides": frame[["height", "width"]].to_numpy(),
        "statuses": np.array(frame["status"].tolist(), dtype=object),
        "latency_s": floats(frame["latency_s"]),
        "noise": noise_of(frame),
        "memory_bytes": floats(frame["memory_bytes"]),
        "quotable": frame["quotable"].to_numpy(dtype=bool),
    }
    heads: dict[str, list[Any]] = {name: frame[name].tolist() for name in _HEAD}
    implementations = heads["implementation_key"]
    for group in together(heads["conditions_key"]):
        curves = together(implementations[place] for place in group)
        yield [_curve(heads, columns, [group[place] for place in curve]) for curve in curves]


def _curve(
    heads: dict[str, list[Any]], columns: dict[str, np.ndarray], rows: Sequence[int]
) -> Measured:
    ordered = np.array(rows)[np.argsort(columns["tokens"][list(rows)], kind="stable")]
    head = {name: values[rows[0]] for name, values in heads.items()}
    return Measured(**head, **{name: values[ordered] for name, values in columns.items()})

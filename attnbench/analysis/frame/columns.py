"""Columns of plain values, one list each, and the parts of records that they are taken from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd

Columns = dict[str, list[Any]]
"""By name; all are equally long."""


class _Nothing:
    """Stands for a part that a record lacks: all that it might hold is None."""

    def __getattr__(self, name: str) -> None:
        return None


NOTHING: Any = _Nothing()


def fields_of(parts: Sequence[Any], *names: str) -> Columns:
    """A column of each of these fields of the parts."""
    return {name: list(map(attrgetter(name), parts)) for name in names}


def columns_of(rows: Sequence[Mapping[str, Any]]) -> Columns:
    """The columns of rows; what a row lacks is missing."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name, np.nan) for row in rows] for name in names}


def frame_of(columns: Columns, types: Mapping[str, str], length: int) -> pd.DataFrame:
    """The columns as a frame.

    Args:
        columns: by name; each is let go when it is in the frame, which saves memory.
        types: the type of each column of the frame, in their order; "" to infer it. What is not
            among the columns is missing.
        length: of each column.
    """
    missing = [np.nan] * length
    made = {
        name: pd.Series(columns.pop(name, missing), dtype=kind or None)
        for name, kind in as_types(types).items()
    }
    return pd.DataFrame(made, index=pd.RangeIndex(length))


def as_types(types: Mapping[str, str]) -> dict[str, Any]:
    """The types of columns for pandas: texts are Python's own.

    Where pyarrow is installed, pandas would take its texts, which are slow to read one by one.
    """
    return {name: _text_type() if kind == "str" else kind for name, kind in types.items()}


@cache
def _text_type() -> Any:
    with pd.option_context("mode.string_storage", "python"):
        return pd.Series([""], dtype="str").dtype

"""Columns as small JSON: texts by number, numbers with the digits that a figure can show."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from attnbench.visible import visible

DIGITS = 5
"""Significant digits of a number; the CSV files hold all of them."""


def coded(texts: Iterable[str]) -> dict[str, Any]:
    """Each distinct text once, and its number in each row."""
    numbers: dict[str, int] = {}
    at = [numbers.setdefault(text, len(numbers)) for text in texts]
    return {"names": list(numbers), "at": at}


def numbers(values: pd.Series) -> list[float | int | None]:
    """The values of a column, rounded; None where there is none."""
    known = values.to_numpy(dtype=float, na_value=np.nan).tolist()
    return [rounded(value) for value in known]


def rounded(value: float | None) -> float | int | None:
    """A number with few digits; None if it is none."""
    if value is None or not np.isfinite(value):
        return None
    short = float(f"{value:.{DIGITS}g}")
    return int(short) if short.is_integer() else short


def pair(interval: Sequence[float] | None) -> list[float | int | None] | None:
    """Both ends of an interval, rounded."""
    return None if interval is None else [rounded(end) for end in interval]


def flags(values: pd.Series) -> list[int]:
    """1 where a column is true, 0 where it is not or is unknown."""
    return [int(value is True) for value in values.astype(object).tolist()]


def as_json(value: Any) -> str:
    """The value as JSON that may stand inside a script element of a page.

    No text in it can end the element or begin a comment.
    """
    text = json.dumps(_shown(value), allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _shown(value: Any) -> Any:
    """The same with all texts made visible."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(key): _shown(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shown(part) for part in value]
    return value

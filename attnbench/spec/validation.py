"""Checks of settings when they are made: a value out of range is refused, and its flag named."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from attnbench.errors import UserError

LARGEST = 2**31 - 1
"""Of a size or a seed: what torch indexes a dimension with on every device."""


def at_least(minimum: float, **values: float) -> None:
    """Refuse a value below the minimum or not finite; the keyword is the flag without dashes."""
    for name, value in values.items():
        _refuse_infinite(name, value)
        if value < minimum:
            raise UserError(f"{_flag(name)} must be at least {minimum:g}, got {value:g}")


def above_zero(**values: float) -> None:
    """Refuse a value of zero or below, or one that is not finite."""
    for name, value in values.items():
        _refuse_infinite(name, value)
        if value <= 0:
            raise UserError(f"{_flag(name)} must be above 0, got {value:g}")


def within_size(minimum: int, **values: int) -> None:
    """Refuse a count, a size or a seed below the minimum or above `LARGEST`."""
    for name, value in values.items():
        if not minimum <= value <= LARGEST:
            bound = f"at least {minimum}" if value < minimum else f"at most {LARGEST}"
            raise UserError(f"{_flag(name)} must be {bound}, got {value}")


def one_of(choices: Sequence[str], **values: str) -> None:
    """Refuse a value that is none of the choices."""
    for name, value in values.items():
        if value not in choices:
            raise UserError(f"{_flag(name)} must be one of {', '.join(choices)}; got {value!r}")


def _refuse_infinite(name: str, value: float) -> None:
    if not isfinite(value):
        raise UserError(f"{_flag(name)} must be a finite number, got {value:g}")


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")

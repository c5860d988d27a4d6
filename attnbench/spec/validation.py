"""Checks of settings at birth: a value out of range is refused with its flag."""

from __future__ import annotations

from collections.abc import Sequence

from attnbench.errors import UserError


def at_least(minimum: float, **values: float) -> None:
    """Refuse a value below the minimum; the keyword is the flag's name without dashes."""
    for name, value in values.items():
        if not value >= minimum:
            flag = "--" + name.replace("_", "-")
            raise UserError(f"{flag} must be at least {minimum:g}, got {value:g}")


def above_zero(**values: float) -> None:
    """Refuse a value of zero or below."""
    for name, value in values.items():
        if not value > 0:
            raise UserError(f"--{name.replace('_', '-')} must be above 0, got {value:g}")


def one_of(choices: Sequence[str], **values: str) -> None:
    """Refuse a value that is none of the choices."""
    for name, value in values.items():
        if value not in choices:
            allowed = ", ".join(choices)
            raise UserError(f"--{name} must be one of {allowed}; got {value!r}")

"""Checks of settings when they are made: a value out of range is refused, and its flag named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attnbench.bounds import QUANTITIES, shortened
from attnbench.errors import UserError


def within(**values: float) -> None:
    """Refuse a number that is none of its quantity; the keyword is the flag without dashes.

    Raises:
        UserError: a number is out of range, not finite, or no number.
    """
    for name, value in values.items():
        if not QUANTITIES[name].hold(value):
            raise UserError(f"{flag_of(name)}: {QUANTITIES[name].fault(value)}")


def pair_within(**pairs: Any) -> None:
    """Refuse what is no (height, width) whose two numbers are each of the quantity."""
    for name, pair in pairs.items():
        if not (isinstance(pair, tuple) and len(pair) == 2):
            raise UserError(f"{flag_of(name)}: expected (height, width), got {shortened(pair)}")
        bounds = QUANTITIES[name]
        if not (bounds.hold(pair[0]) and bounds.hold(pair[1])):
            bad = pair[bounds.hold(pair[0])]
            raise UserError(f"{flag_of(name)}: {bounds.fault(bad)}")


def one_of(choices: Sequence[str], **values: str) -> None:
    """Refuse a value that is none of the choices."""
    for name, value in values.items():
        if value not in choices:
            raise UserError(
                f"{flag_of(name)} must be one of {', '.join(choices)}; got {shortened(value)}"
            )


def flag_of(name: str) -> str:
    """The flag of a setting: "batch_size" is set by "--batch-size"."""
    return "--" + name.replace("_", "-")

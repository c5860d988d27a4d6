"""Plain values as the types that they should be, with the checks that a line of a file gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

Kind = TypeVar("Kind")


def as_type(values: Mapping[str, Any], cls: type[Kind]) -> Kind:
    """A dataclass from plain values, nested ones included; members that it lacks are left out.

    Raises:
        ValueError: a part is missing, of another type, or a number is out of its bounds; the
            message names the part, as "$.state.epochs".
    """
    try:
        return msgspec.convert(values, cls)
    except AttributeError as error:  # of an object of another kind where members belong
        raise ValueError(f"an object of a wrong type ({error})") from error

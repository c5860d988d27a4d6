"""One setting of the process: its name, and how to read and set it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Something that all code of a process shares."""

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object]

"""Storing records: each carries the resolution that the machine had at its last checkup."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from attnbench.cli.options import CHECKUPS

if TYPE_CHECKING:
    from attnbench.records import Environment, Floor, Record


def keep_in(out: Path) -> Callable[[Record], None]:
    """A function that appends a record to `out`."""
    from attnbench import store
    from attnbench.floor import latest_floor

    @cache
    def floor(environment: Environment) -> Floor | None:
        return latest_floor([CHECKUPS], environment)

    def keep(record: Record) -> None:
        store.append(out, replace(record, floor=floor(record.environment)))

    return keep

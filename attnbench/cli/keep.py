"""Storing records: each says who asked for it, and what its machine could resolve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from attnbench.cli.options import CHECKUPS

if TYPE_CHECKING:
    from attnbench.records import Environment, Floor, Record


def keep_in(out: Path, command: str) -> Callable[[Record], Record]:
    """A function that appends a record to `out` on behalf of a command, and returns it as kept."""
    from attnbench import store
    from attnbench.floor import latest_floor

    @cache
    def floor(environment: Environment) -> Floor | None:
        return latest_floor([CHECKUPS], environment)

    def keep(record: Record) -> Record:
        kept = replace(record, floor=floor(record.environment), asked_by=command)
        store.append(out, kept)
        return kept

    return keep

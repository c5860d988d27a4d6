"""The resolution floor of a machine, from its last checkup (`attnbench doctor`)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from attnbench.records import Checkup, Environment, Floor, store

FLOOR = "resolution floor"
"""Name of the finding that says whether the checkup of the floor was undisturbed."""


def latest_floor(paths: Iterable[Path], environment: Environment) -> Floor | None:
    """The floor of the newest checkup of the same machine; None if there is none.

    A floor that was found while other programs ran is one too, and says so. A disturbed checkup of
    an older version is skipped: its floor is the worst ratio that was seen.

    Args:
        paths: files of checkups; they need not exist.
        environment: the conditions of the cells that are to carry the floor.

    Raises:
        UserError: a file exists, but no line of it can be read.
    """
    contents = store.read_many(path for path in paths if path.exists())
    floors = [
        checkup.floor
        for checkup in contents.checkups
        if checkup.environment.machine == environment.machine and not _is_worst_ratio(checkup)
    ]
    return max(floors, key=lambda floor: floor.created, default=None)


def _is_worst_ratio(checkup: Checkup) -> bool:
    if checkup.floor.disturbed:
        return False
    return any(found.name == FLOOR and found.outcome != "passed" for found in checkup.findings)

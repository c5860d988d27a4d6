"""The resolution floor of this machine, as its last checkup (`attnbench doctor`) found it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from attnbench.records import Checkup, Environment, Floor, store

FLOOR = "resolution floor"
"""Name of the finding that says whether the floor is the machine's own."""


def latest_floor(paths: Iterable[Path], environment: Environment) -> Floor | None:
    """The floor of the newest checkup of the same machine; None where there is none.

    A checkup that was disturbed says more of what disturbed it than of the machine; it is passed
    over.

    Args:
        paths: files of checkups; one that does not exist holds none.
        environment: the conditions of the cells that are to carry the floor.

    Raises:
        UserError: a file exists, and not one line of it can be read.
    """
    contents = store.read_many(path for path in paths if path.exists())
    floors = [
        checkup.floor
        for checkup in contents.checkups
        if checkup.environment.machine == environment.machine and not _was_disturbed(checkup)
    ]
    return max(floors, key=lambda floor: floor.created, default=None)


def _was_disturbed(checkup: Checkup) -> bool:
    return any(found.name == FLOOR and found.outcome != "passed" for found in checkup.findings)

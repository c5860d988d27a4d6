"""Try where a command will write, before it loads torch or measures anything."""

from __future__ import annotations

from pathlib import Path


def try_file(*paths: Path, replaced: bool = False) -> None:
    """Refuse files that cannot be written; see `records.place`."""
    from attnbench.records import place

    for path in paths:
        place.try_file(path, replaced=replaced)


def try_folder(*paths: Path) -> None:
    """Refuse folders in which no file can be made; see `records.place`."""
    from attnbench.records import place

    for path in paths:
        place.try_folder(path)

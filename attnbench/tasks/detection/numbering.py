"""Which picture and which class the numbers of a result file mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from attnbench.errors import UserError
from attnbench.files.reading import shown
from attnbench.tasks.detection.pictures import natural


def numbers_of(names: Sequence[str]) -> dict[str, int]:
    """A number for each picture: that in its file name if all have one, or its place from 1."""
    stems = [PurePosixPath(name).stem for name in names]
    if all(stem.isdecimal() for stem in stems) and len({int(stem) for stem in stems}) == len(names):
        return {name: int(stem) for name, stem in zip(names, stems, strict=True)}
    return {name: place for place, name in enumerate(sorted(names, key=natural), start=1)}


def names_by_alias(names: Sequence[str]) -> dict[int | str, str]:
    """The picture that a name or number means, where it means no other.

    A picture is known by its path, its file name, that without suffix, and as a number.
    """
    known: dict[int | str, str] = {}
    unclear: set[int | str] = set()
    for name in names:
        path = PurePosixPath(name)
        number = {int(path.stem)} if path.stem.isdecimal() else set()
        for alias in {name, path.name, path.stem} | number:
            unclear |= {alias} & known.keys()
            known[alias] = name
    return {alias: name for alias, name in known.items() if alias not in unclear}


def labels_by_number(path: Path, found: set[int], class_names: Sequence[str]) -> dict[int, int]:
    """The labels of the numbers found in a file that counts classes from 0 or from 1.

    Raises:
        UserError: both would fit, or neither.
    """
    count = len(class_names)
    fitting = [first for first in (0, 1) if found <= set(range(first, first + count))]
    if not fitting:
        raise UserError(
            f"{shown(path)} expected category_id 0 to {count - 1} or 1 to {count} for the {count} "
            f"classes of the data set, got {min(found)} to {max(found)}; a result file belongs to "
            "one data set: choose it with --data"
        )
    if len(fitting) > 1 and found:
        raise UserError(
            f"{shown(path)} expected classes that count from 0 or from 1, got {sorted(found)[:5]}, "
            "which may be either: add a category_name to each entry, or give a data set with a "
            "COCO file"
        )
    return {fitting[0] + label: label for label in range(count)}

"""The names of the parts of a data set, as its folders and files spell them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from attnbench.data.names import readable
from attnbench.errors import UserError

SPELLINGS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
SPLITS = tuple(SPELLINGS)

Part = TypeVar("Part")


def split_of(name: str) -> str | None:
    """The split that a name is of: "instances_val2017" is of "val"; None if it says none or two."""
    words = set(re.split(r"[^a-z]+", name.lower()))
    named = [split for split, spellings in SPELLINGS.items() if words & set(spellings)]
    return named[0] if len(named) == 1 else None


def by_split(parts: Mapping[Path, Part], folder: Path) -> dict[str, Part]:
    """Parts by the splits that their paths name, in the order of `SPLITS`.

    Raises:
        UserError: two parts are of the same split.
    """
    found: dict[str, tuple[Path, Part]] = {}
    for path, part in parts.items():
        split = split_of(path.name) or split_of(path.stem)
        if split is None:
            continue
        if split in found:
            raise UserError(
                f"{readable(str(folder))}: expected one part for each split, got "
                f"{readable(path.name)} and {readable(found[split][0].name)} for {split}; move "
                "one of them away"
            )
        found[split] = (path, part)
    return {split: found[split][1] for split in SPLITS if split in found}


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder, by name; none if there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir())

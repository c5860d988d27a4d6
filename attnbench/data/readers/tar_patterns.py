"""Which archives a user means: one file, a folder, or a pattern of braces, stars and questions."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from attnbench.data.layouts.splits import SPLITS, split_of
from attnbench.data.names import is_hidden, readable, some
from attnbench.errors import UserError

SUFFIX = ".tar"
PACKED_SUFFIXES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
"""They are found, too, so that they can be refused by what they are."""
MOST = 100_000
"""Archives of one pattern."""

_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"([0-9]{1,9})\.\.([0-9]{1,9})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Archives:
    """The archives of a data set."""

    name: str
    root: Path
    """The folder that all of them are in, or below."""
    splits: Mapping[str, Sequence[Path]]


def is_archive(name: str) -> bool:
    """Whether a name is one of a tar archive, perhaps compressed."""
    return name.lower().endswith((SUFFIX, *PACKED_SUFFIXES))


def find(data: str) -> Archives | None:
    """The archives that a path, a pattern or a folder stands for; None if it is of another kind.

    Raises:
        UserError: it is a pattern, and what it names is not there.
    """
    path = os.path.expanduser(data)
    if os.path.isdir(path):
        files = _in_folder(Path(path))
        return _archives(files, Path(path), readable(Path(path).resolve().name)) if files else None
    if not is_archive(path):
        return None
    files = [Path(path)] if os.path.isfile(path) else _matching(path, data)
    root = Path(os.path.commonpath([file.parent for file in files]))
    return _archives(files, root, _name_of(path, root))


def _in_folder(folder: Path) -> list[Path]:
    """The archives in a folder of nothing but archives, or of one such folder for each split."""
    try:
        entries = _visible(folder)
        folders = [one for one in entries if one.is_dir()]
        if any(split_of(one.name) is None for one in folders):
            return []
        inside = [_visible(one) for one in folders]
    except OSError:
        return []  # whoever reads the folder as another layout says so
    files = [[one for one in own if is_archive(one.name)] for own in (entries, *inside)]
    if not all(files[1:]) or any(one.is_dir() for own in inside for one in own):
        return []
    return [one for own in files for one in own if one.is_file()]


def _visible(folder: Path) -> list[Path]:
    return sorted(folder / name for name in os.listdir(folder) if not is_hidden(name))


def _matching(pattern: str, data: str) -> list[Path]:
    """The files of a pattern, in its order.

    Raises:
        UserError: a file that it names is missing, or it matches none.
    """
    names = list(islice(expanded(pattern), MOST + 1))
    if len(names) > MOST:
        raise UserError(f"--data {_echo(data)}: expected at most {MOST:,} archives, got more")
    found, missing = list[Path](), list[str]()
    for name in names:
        files = [name] if os.path.isfile(name) else sorted(glob.glob(name))
        found += [Path(file) for file in files if os.path.isfile(file)]
        if not files:
            missing.append(readable(os.path.basename(name)))
    if missing:
        got = "nothing there" if not found else f"no {some(missing)}"
        raise UserError(
            f"--data {_echo(data)}: expected {_count(len(names))}, got {got}; correct the name or "
            "the pattern"
        )
    return list(dict.fromkeys(found))


def _count(names: int) -> str:
    return "a tar archive" if names == 1 else f"{names:,} tar archives"


def _echo(data: str) -> str:
    return readable(data)[:80]


def expanded(pattern: str) -> Iterator[str]:
    """The names that a pattern with braces stands for, as in a shell: {000..012}, {train,val}."""
    braces = _BRACES.search(pattern)
    if braces is None:
        yield pattern
        return
    for word in _words(braces[1]):
        yield from expanded(f"{pattern[: braces.start()]}{word}{pattern[braces.end() :]}")


def _words(inside: str) -> Iterator[str]:
    ends = _RANGE.fullmatch(inside)
    if ends is None:
        yield from inside.split(",")
        return
    first, last = int(ends[1]), int(ends[2])
    padded = any(end.startswith("0") and len(end) > 1 for end in ends.groups())
    width = max(map(len, ends.groups())) if padded else 0
    step = 1 if first <= last else -1
    yield from (f"{number:0{width}d}" for number in range(first, last + step, step))


def _name_of(pattern: str, root: Path) -> str:
    """What archives are called: what their names begin with, or else the folder's name."""
    start = re.split(r"[{*?\[]", os.path.basename(pattern))[0]
    if start == os.path.basename(pattern):
        start = start[: start.lower().index(".t")]
    start = start.strip("-_. ")
    return readable(start if start and split_of(start) is None else root.resolve().name)


def _archives(files: Sequence[Path], root: Path, name: str) -> Archives:
    """The archives by split, which is in their names, or in those of their folders.

    Raises:
        UserError: some name a split and others do not.
    """
    splits: dict[str, list[Path]] = {}
    unnamed: list[Path] = []
    for file in files:
        folder = str(file.parent.relative_to(root))
        split = split_of(file.name.partition(".")[0]) or split_of(folder)
        (splits.setdefault(split, []) if split else unnamed).append(file)
    if splits and unnamed:
        raise UserError(
            f"{readable(str(root))}: expected train, val or test in the name of each archive, or "
            f"of none, got none in {some([readable(file.name) for file in unnamed])}; rename them"
        )
    splits = splits or {"train": unnamed}
    return Archives(
        name=name, root=root, splits={one: splits[one] for one in SPLITS if one in splits}
    )

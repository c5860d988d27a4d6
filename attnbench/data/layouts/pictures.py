"""The pictures that labels are of: found, looked at, and held to the sizes that labels name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from torchvision.datasets.folder import IMG_EXTENSIONS

from attnbench.data.decoding import OnProgress
from attnbench.data.findings import MISSING, TURNED, Findings, Kind
from attnbench.data.headers import Header, headers_of
from attnbench.data.names import readable

OTHER_SIZE = Kind(
    "picture of another size than its labels say", "refused", "give the picture that was labelled"
)
NOT_TURNED = Kind(
    "orientation tag, labelled as stored", "repaired", "not turned, as its labels have it"
)
LISTED_TWICE = Kind("picture that is listed twice", "refused", "join its labels in one place")

SUFFIXES = tuple(suffix for one in IMG_EXTENSIONS for suffix in (one, one.upper()))

Size = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture that a label file names."""

    path: Path | None
    """None if there is no such file."""
    named: str
    """As the labels name it."""
    size: Size | None = None
    """(height, width) in pixels that the labels say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A picture that was looked at."""

    name: str
    header: Header
    upright: bool
    size: Size
    """(height, width) in pixels, as it is decoded; (0, 0) if unknown."""


def look_at(
    pictures: Sequence[Picture],
    root: Path,
    findings: Findings,
    on_progress: OnProgress | None = None,
) -> list[Seen | None]:
    """Look at each picture; None where it is missing, unreadable, or of another size.

    Args:
        pictures: in the order of the result.
        root: names are paths below it.
        findings: takes what was found.
        on_progress: called with (headers read, headers in all).
    """
    for picture in pictures:
        if picture.path is None:
            findings.add_name(MISSING, picture.named)
    there = [picture.path for picture in pictures if picture.path is not None]
    headers = iter(headers_of(there, on_progress, decode=findings.skip_broken))
    seen, names = list[Seen | None](), set[str]()
    for picture in pictures:
        one = None if picture.path is None else _seen(picture, next(headers), root, findings)
        if one and one.name in names:
            findings.add_name(LISTED_TWICE, one.name)
            one = None
        elif one:
            names.add(one.name)
        seen.append(one)
    return seen


def _seen(picture: Picture, header: Header, root: Path, findings: Findings) -> Seen | None:
    width, height = header.size
    upright = not (header.swapped and picture.size == (width, height) and width != height)
    for kind in header.kinds:
        findings.add(NOT_TURNED if kind == TURNED and not upright else kind, header.path)
    if findings.skips(header.kinds) or not header.mode:
        return None
    size = (height, width) if upright else (width, height)
    assert isinstance(header.path, Path)  # a label file names nothing else
    name = name_of(header.path, root)
    if picture.size and picture.size != size:
        labelled = " × ".join(map(str, picture.size[::-1]))
        findings.add_name(
            OTHER_SIZE, f"{name} has {size[1]} × {size[0]} px, its labels are of {labelled}"
        )
        return None
    return Seen(name=name, header=header, upright=upright, size=size)


def name_of(path: Path, root: Path) -> str:
    """The name of a picture: its path below the data set."""
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    return readable(shown.as_posix())


class Finder:
    """Finds pictures by the names that labels give them, in some folders."""

    def __init__(self, folders: Iterable[Path]) -> None:
        """Look in these folders, the first ones first."""
        self.folders = [folder for folder in dict.fromkeys(folders) if folder.is_dir()]

    def find(self, named: str) -> Path | None:
        """The file of a name, with its folder or without; None if there is none."""
        plain = named.replace("\\", "/")
        for name in dict.fromkeys([plain, plain.rpartition("/")[2]]):
            for folder in self.folders:
                path = folder / name
                if name and _is_file(path):
                    self._prefer(folder)
                    return path
        return None

    def with_stem(self, stem: str) -> Path | None:
        """The picture with a name before its suffix."""
        for folder in self.folders:
            for suffix in SUFFIXES:
                path = folder / f"{stem}{suffix}"
                if _is_file(path):
                    self._prefer(folder)
                    return path
        return None

    def _prefer(self, folder: Path) -> None:
        """Most pictures are where the last one was."""
        if self.folders[0] != folder:
            self.folders.remove(folder)
            self.folders.insert(0, folder)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file system takes
        return False

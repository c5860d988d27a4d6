"""Walk through folders of pictures: what is hidden, in a circle or no picture is counted."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from torchvision.datasets.folder import IMG_EXTENSIONS

from attnbench.data.findings import (
    BROKEN,
    DEAD_LINK,
    HIDDEN,
    NO_PICTURE,
    REACHED_AGAIN,
    SPECIAL,
    UNREADABLE_NAME,
    Findings,
)
from attnbench.data.names import is_hidden, readable
from attnbench.errors import UserError

FileId = tuple[int, int]
"""Device and number of a file: the same by whatever path it is reached."""


@dataclass(slots=True)
class Listing:
    """What is in one folder."""

    folders: list[Path] = field(default_factory=list)
    pictures: list[Path] = field(default_factory=list)


def is_picture(name: str) -> bool:
    """Whether a file is a picture by its name."""
    return name.lower().endswith(IMG_EXTENSIONS)


def file_id(path: Path) -> FileId:
    """The identity of what a path leads to."""
    found = path.stat()
    return found.st_dev, found.st_ino


def listed(folder: Path, findings: Findings) -> Listing:
    """Subfolders and pictures of a folder, by name; all else is counted.

    Raises:
        UserError: the folder cannot be read.
    """
    listing = Listing()
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise UserError(
            f"{readable(str(folder))}: cannot read the folder ({error.strerror}); allow it, or "
            "move the folder away"
        ) from error
    for entry in entries:
        _sort_in(entry, listing, findings)
    return listing


def _sort_in(entry: os.DirEntry[str], listing: Listing, findings: Findings) -> None:
    path = Path(entry.path)
    what = _what(entry)
    if is_hidden(entry.name):
        findings.add(HIDDEN, path)
    elif what == "folder":
        listing.folders.append(path)
    elif what == "special":
        findings.add(SPECIAL, path)
    elif what == "nothing":
        # A picture that is missing is missed; any other link leads to nothing that is needed.
        findings.add(BROKEN if is_picture(entry.name) else DEAD_LINK, path)
    elif is_picture(entry.name):
        listing.pictures.append(path)
    else:
        findings.add(NO_PICTURE, path)
    if any(0xDC80 <= ord(sign) <= 0xDCFF for sign in entry.name):
        findings.add(UNREADABLE_NAME, path)


def _what(entry: os.DirEntry[str]) -> str:
    """folder, file, special (a pipe, a device), or nothing (a link to nowhere or to itself)."""
    try:
        if entry.is_dir():
            return "folder"
        if entry.is_file():
            return "file"
        return "special" if Path(entry.path).exists() else "nothing"
    except OSError:
        return "nothing"


def pictures_below(folder: Path, above: Iterable[FileId], findings: Findings) -> list[Path]:
    """Every picture in a folder and its subfolders, as in torchvision's `ImageFolder`.

    Args:
        folder: where to begin.
        above: the folders that it is in: a link back to one of them would not end.
        findings: takes what was left out.
    """
    seen, pictures, waiting = set(above), list[Path](), [folder]
    while waiting:
        current = waiting.pop()
        if file_id(current) in seen:
            findings.add(REACHED_AGAIN, current)
            continue
        seen.add(file_id(current))
        listing = listed(current, findings)
        waiting += listing.folders
        pictures += listing.pictures
    return sorted(pictures)

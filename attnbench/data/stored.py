"""Pictures as files of their own, or inside of larger files: archives and tables.

Both are opened for reading bytes from any place, so all that is known of files holds for both.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Protocol


class Stored(Protocol):
    """A picture inside of a larger file. `str` gives its name in the data set."""

    def open(self) -> BinaryIO:
        """Its bytes, from the first to the last; any place can be sought.

        Raises:
            OSError: they cannot be read.
        """
        ...


PictureFile = Path | Stored


def opened(file: PictureFile) -> BinaryIO:
    """The bytes of a picture; to be closed."""
    return file.open("rb") if isinstance(file, Path) else file.open()


def num_bytes(file: BinaryIO) -> int:
    """The size of an opened file; its place is as before."""
    place = file.tell()
    size = file.seek(0, 2)
    file.seek(place)
    return size

"""The members of a tar archive, and how one is read from the middle without unpacking."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from attnbench.data.findings import Kind

BLOCK = tarfile.BLOCKSIZE
COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7z", b"\x28\xb5\x2f\xfd")
"""How archives begin that gzip, bzip2, xz or zstd has packed."""

CUT_OFF = Kind("archive that is cut off or damaged", "refused", "fetch it again")
NO_TAR = Kind("no tar archive", "refused", "move it away")
PACKED = Kind(
    "compressed archive", "refused", "unpack it to .tar, since pictures are read in any order"
)
DAMAGE = (ValueError, OverflowError, MemoryError, RecursionError)
"""What `tarfile` lets through where damaged headers name impossible sizes and places."""


class ArchiveError(Exception):
    """An archive that cannot be used, with the kind of finding that it is."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        super().__init__(kind.what)


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside of an archive; see `Stored`."""

    archive: Path
    name: str
    """In the data set: that of the archive, and the path inside."""
    offset: int
    """Of its first byte in the archive."""
    size: int
    """In bytes."""

    def __str__(self) -> str:
        return self.name

    def open(self) -> BinaryIO:
        """See `Stored.open`."""
        return io.BufferedReader(_Part(self))


class _Part(io.RawIOBase):
    """The bytes of a member, as a file of their own."""

    def __init__(self, member: Member) -> None:
        self._file = member.archive.open("rb", buffering=0)
        self._start, self._size, self._place = member.offset, member.size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        if base + place < 0:
            raise OSError("sought before the beginning")
        self._place = base + place
        return self._place

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)[: max(0, self._size - self._place)]
        self._file.seek(self._start + self._place)
        count = self._file.readinto(view)
        self._place += count
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def members_of(archive: Path) -> Iterator[tarfile.TarInfo]:
    """The header of every member of an archive.

    Raises:
        ArchiveError: the file is no plain tar archive, or does not end as one.
        OSError: it cannot be read.
    """
    try:
        tar: Any = tarfile.open(archive, "r:")  # noqa: SIM115 - closed below
    except (tarfile.TarError, *DAMAGE) as error:
        raise ArchiveError(_kind_of(archive)) from error
    with tar:
        try:
            while (member := tar.next()) is not None:
                yield member
                tar.members.clear()  # else all of them stay in memory
        except (tarfile.TarError, *DAMAGE) as error:
            raise ArchiveError(CUT_OFF) from error
    if not _ends(archive, tar.offset):
        raise ArchiveError(CUT_OFF)


def _kind_of(archive: Path) -> Kind:
    """What a file is that does not begin as a tar archive."""
    with archive.open("rb") as file:
        start = file.read(BLOCK)
    if start.startswith(COMPRESSED):
        return PACKED
    return NO_TAR if len(start) == BLOCK else CUT_OFF


def _ends(archive: Path, offset: int) -> bool:
    """Whether an archive has its last block, of zeros.

    `tarfile` takes a damaged header for the end, and does not miss what is cut off behind a member.
    """
    with archive.open("rb") as file:
        file.seek(offset)
        return file.read(BLOCK) == bytes(BLOCK)

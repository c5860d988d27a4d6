"""Claims on cells: of several processes, one measures a cell.

A claim is a lock on one byte of a file beside the records. The system frees it when its process
ends, however it ends, and it works between machines wherever the file system knows such locks.
Where it knows none, every claim is granted, and two sweeps may measure a cell twice.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from attnbench.errors import UserError

SUFFIX = ".claims"
LONGEST = 240
"""Bytes of the name of the results that fit before it; systems allow 255."""
PRESENCE = 0
"""The byte that everybody who has the file open shares; the last one to leave removes the file."""
TRIES = 100
"""How often the file is opened anew because another process has just removed it."""

_held: set[tuple[Path, int]] = set()
"""Claims of this process. The system's locks do not hold between the threads of one."""
_guard = threading.Lock()


class Claims:
    """The claims of this process on the cells of one results file; a context manager."""

    def __init__(self, results: Path) -> None:
        """Nothing is written before the block is entered.

        Args:
            results: the file that the records go to.
        """
        results = results.resolve()  # the same file by whatever name
        start = os.fsencode(results.name)[:LONGEST].decode(errors="ignore")
        self._path = results.with_name(start + SUFFIX)
        self._file: BinaryIO | None = None

    def __enter__(self) -> Claims:
        """Open the file of claims.

        Raises:
            UserError: it cannot be made.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            for _ in range(TRIES):
                if self._opened():
                    break
        except OSError as error:
            raise UserError(
                f"cannot write {self._path}: {error.strerror}; choose another --out"
            ) from error
        return self

    def __exit__(self, *error: object) -> None:
        """Leave; the last one removes the file."""
        assert self._file is not None
        with self._file, suppress(OSError):
            if lock(self._file, PRESENCE, alone=True):
                self._path.unlink()
        if sys.platform == "win32":
            with suppress(OSError):  # the system refuses while somebody has it open
                self._path.unlink()

    @contextmanager
    def held(self, keys: Iterable[str]) -> Iterator[bool]:
        """Claim all cells of these keys, or none: whether they are ours in this block."""
        taken: list[int] = []
        try:
            yield all(self._take(place, taken) for place in sorted(set(map(_place, keys))))
        finally:
            for place in taken:
                self._free(place)

    def _opened(self) -> bool:
        """Open the file; False if it was removed in between."""
        self._file = self._path.open("a+b")
        lock(self._file, PRESENCE, alone=False)
        with suppress(OSError):
            if os.path.samestat(os.fstat(self._file.fileno()), self._path.stat()):
                return True
        self._file.close()
        return False

    def _take(self, place: int, taken: list[int]) -> bool:
        assert self._file is not None
        with _guard:
            if (self._path, place) in _held or not lock(self._file, place, alone=True):
                return False
            _held.add((self._path, place))
            taken.append(place)
            return True

    def _free(self, place: int) -> None:
        assert self._file is not None
        with _guard:
            _held.discard((self._path, place))
            if not self._file.closed:
                unlock(self._file, place)


def _place(key: str) -> int:
    """The byte of a cell: two cells have the same one once in 2⁶⁰ pairs."""
    return 1 + int.from_bytes(hashlib.sha256(key.encode()).digest()[:7], "big") // 2


if sys.platform == "win32":
    import msvcrt

    def lock(file: BinaryIO, place: int, *, alone: bool) -> bool:
        """Lock a byte without waiting: False if another process holds it, or if it is shared.

        Windows knows no shared locks here, and needs none: it removes no file that is open.
        """
        if place == PRESENCE:
            return False
        file.seek(place)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def unlock(file: BinaryIO, place: int) -> None:
        """Free a byte."""
        file.seek(place)
        with suppress(OSError):
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl
    from errno import EACCES, EAGAIN

    def lock(file: BinaryIO, place: int, *, alone: bool) -> bool:
        """Lock a byte: False if another process holds it; a shared lock is waited for."""
        kind = fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH
        try:
            fcntl.lockf(file, kind, 1, place)
        except OSError as error:
            return error.errno not in (EACCES, EAGAIN)
        return True

    def unlock(file: BinaryIO, place: int) -> None:
        """Free a byte."""
        with suppress(OSError):
            fcntl.lockf(file, fcntl.LOCK_UN, 1, place)

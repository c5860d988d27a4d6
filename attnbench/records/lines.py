"""The lines of a file as bytes, however long they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from attnbench.files.content import BOM

LONGEST = 2**26
"""Bytes of a line; that of a latency with 400,000 samples and all that is observed beside them."""


def lines_of(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each line that is not empty, without the line end.

    A line that is too long is cut off. Windows tools put a mark before the text, and carriage
    returns before the line ends; they are left out.
    """
    number = 0
    while line := file.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST:
            _skip_rest(file, line)
        if line.startswith(BOM):
            line = line.removeprefix(BOM)
        if stripped := line.strip():
            yield number, stripped


def _skip_rest(file: IO[bytes], line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = file.readline(2**20)

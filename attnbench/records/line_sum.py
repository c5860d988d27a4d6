"""The checksum of a line, by which a reader sees that a bit was flipped or a value edited.

It is the last member of the line's object, `"crc32": "1a2b3c4d"`: the CRC-32 of the line as it
would be without it, without the line end. Older lines have none.
"""

from __future__ import annotations

import re
from zlib import crc32

_ANY = re.compile(rb',\s*"crc32":\s*"([0-9a-f]{8})"\s*\}\s*\Z')
"""A checksum however a tool may have spaced it."""
_HEAD, _SIGNS = b', "crc32": "', 8


def with_sum(text: str) -> str:
    """A line's object with its checksum as the last member."""
    return f'{text[:-1]}, "crc32": "{sum_of(text)}"}}'


def sum_of(text: str) -> str:
    """The checksum of a line's object that has none."""
    return f"{crc32(text.encode()):08x}"


def is_as_written(line: bytes) -> bool:
    """Whether a line ends in the checksum of its bytes, as `with_sum` writes it.

    Args:
        line: without the line end.
    """
    start = len(line) - len(_HEAD) - _SIGNS - 2
    if not line.startswith(_HEAD, start):
        return False
    actual = crc32(b"}", crc32(memoryview(line)[:start]))
    return line[-_SIGNS - 2 : -2] == b"%08x" % actual


def stored_sum(line: bytes) -> str:
    """The checksum that a line holds, right or wrong; "" if it has none."""
    found = _ANY.search(line, max(0, len(line) - 64))
    return found[1].decode() if found else ""

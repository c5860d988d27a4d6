"""What the first bytes of a file say that it is, where it is no UTF-8 text."""

from __future__ import annotations

import codecs

BOM = codecs.BOM_UTF8
"""What Windows tools write before UTF-8 text; it is no part of the text."""
START = 64
"""Bytes that are enough to tell."""

_TEXTS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),  # begins as UTF-16 does, so it is tried first
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_PACKED = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"\x04\x22\x4d\x18", "lz4"),
)


def not_utf8(start: bytes) -> str | None:
    """What to tell about a file that is no UTF-8 text, with what to do; None if it may be one.

    Args:
        start: the first `START` bytes of the file, or more.
    """
    for mark, encoding in _TEXTS:
        if start.startswith(mark):
            return f"{encoding} text; save it as UTF-8"
    for mark, program in _PACKED:
        if start.startswith(mark):
            return f"a file packed by {program}; unpack it"
    if b"\0" not in start:
        return None
    # ASCII in UTF-16 has a zero in every second byte.
    halves = start[: START // 2 * 2 : 2], start[1:START:2]
    if any(half.count(0) > 0.8 * len(half) for half in halves):
        return "UTF-16 text; save it as UTF-8"
    return "no text but binary data"

"""Text from elsewhere, safe to show: what cannot be seen is written as an escape, as in Python.

Names, reasons and notes come from records, plug-ins and file names. Raw, a control character in
them moves the cursor of a terminal or breaks a file, and a mark of direction changes the order in
which its neighbours are read. Every place where text leaves the program calls one of these.
"""

from __future__ import annotations

import re

_UNSEEN = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef"
)
"""Letters and marks without width or ink (Unicode's Default_Ignorable_Code_Point, and the empty
Braille cell). `str.isprintable` takes them for printable, as their category is not "other"."""
_SUSPECT = re.compile(f"[^\\x20-\\x7e\\n]|[{_UNSEEN}]")
_INVISIBLE = re.compile(f"[{_UNSEEN}]")
_BYTES = range(0xDC80, 0xDD00)
"""How Python reads bytes of a file name that are no UTF-8 (PEP 383)."""


def visible(text: str) -> str:
    """The text with escapes for control characters, marks of direction and signs without width.

    Line breaks and all kinds of spaces stay. The result can be encoded as UTF-8.
    """
    return text if text.isascii() and text.isprintable() else _SUSPECT.sub(_shown, text)


def one_line(text: str) -> str:
    """The same on one line: line breaks, and the spaces beside them, become one space."""
    return visible(re.sub(r"\s*\n\s*", " ", text.strip("\r\n")))


def _shown(found: re.Match[str]) -> str:
    letter = found[0]
    if letter.isspace() and letter not in "\x1c\x1d\x1e\x1f\x85\u2028\u2029\t\v\f\r":
        return letter
    if letter.isprintable() and not _INVISIBLE.match(letter):
        return letter
    if ord(letter) in _BYTES:
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape", "surrogatepass").decode("ascii")

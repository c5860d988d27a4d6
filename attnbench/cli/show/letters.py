"""Letters that the encoding of an output lacks, written with those of ASCII: × as x, µ as u."""

from __future__ import annotations

import codecs
import unicodedata

READABLE = "readable"
"""The name of the error handler of streams, for letters that reach them unspelled."""
_SPELLED = str.maketrans({
    "×": "x", "÷": "/", "−": "-", "±": "+-", "·": "/", "–": "-", "—": "-", "…": "...", "→": "->",
    "←": "<-", "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~", "²": "^2", "³": "^3", "µ": "u", "μ": "u",
    "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "•": "*", "√": "sqrt", "∞": "inf", "ß": "ss",
    "Δ": "D", "α": "a", "β": "b", "σ": "s", "○": "o", "●": "o",
})  # fmt: skip
_LINES = range(0x2500, 0x2580)
"""Signs that rulers and frames are drawn with; solid vertical ones are `_UPRIGHT`."""
_UPRIGHT = "│┃║╎╏┆┇┊┋"


def spelled(text: str, encoding: str) -> str:
    """The text in letters that the encoding has; the others in ASCII, or as an escape."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(_spell(letter, encoding) for letter in text)
    except LookupError:
        return text.encode("ascii", READABLE).decode("ascii")
    return text


def _spell(letter: str, encoding: str) -> str:
    try:
        letter.encode(encoding)
    except UnicodeEncodeError:
        return _in_ascii(letter)
    return letter


def _in_ascii(letter: str) -> str:
    """One letter in ASCII: by the table, without its accent, or as an escape."""
    known = letter.translate(_SPELLED)
    if known.isascii():
        return known
    if ord(letter) in _LINES:
        return "|" if letter in _UPRIGHT else "-"
    bare = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode("ascii")
    return bare or letter.encode("ascii", "backslashreplace").decode("ascii")


def _handle(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(map(_in_ascii, lacking)), error.end


codecs.register_error(READABLE, _handle)

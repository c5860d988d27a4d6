"""Names of files as people and records read them, and names that stand for no data."""

from __future__ import annotations

import re
import unicodedata

OF_FILE_MANAGERS = frozenset({
    "thumbs.db", "ehthumbs.db", "desktop.ini", "folder.htt", "$recycle.bin",  # Windows
    "system volume information",
    "__macosx", "icon\r", "network trash folder", "temporary items",  # macOS
    "@eadir", "@recycle", "#recycle", "#snapshot",  # network drives
    "lost+found",  # Linux
    "picasa.ini", "zbthumbnail.info", "pspbrwse.jbf",  # viewers of pictures
})  # fmt: skip
"""What file managers leave in folders, in lower case; names that begin with a dot are hidden."""

LONGEST_PART = 48
"""Characters of a name in that of a file."""


def is_hidden(name: str) -> bool:
    """Whether a file or folder is hidden, or is one that a file manager left behind."""
    return name.startswith(".") or name.lower() in OF_FILE_MANAGERS


def readable(name: str) -> str:
    r"""A name that any file, terminal and page can hold, equal for equal names.

    Bytes that are no UTF-8 and control characters become `\xff` and the like. Letters with accents
    are composed, since some systems store them in two parts.
    """
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    composed = unicodedata.normalize("NFC", text)
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in composed
    )


def some(names: list[str], most: int = 3) -> str:
    """The first names, and how many more there are."""
    shown = ", ".join(names[:most]) or "none"
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


def file_part(name: str) -> str:
    """A name as a part of a file's name: letters, digits, dots and dashes, never hidden."""
    return re.sub(r"[^\w.-]+", "-", readable(name))[:LONGEST_PART].strip(".-") or "unnamed"

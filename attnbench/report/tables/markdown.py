"""Text and tables in GitHub's Markdown: what comes from elsewhere is shown as it reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from attnbench.visible import one_line

_CODE = re.compile(r"(`[^`]*`)")
_TAGS = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MARKS = re.compile(r"(^[#+-](?=\s)|[\\*~$|]|\](?=[(\[:])|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
"""Signs that Markdown takes for links, tables, mathematics and emphasis. An underscore between
letters is none of them, nor are the brackets of an interval."""


@lru_cache(maxsize=4096)  # most cells of a table come back in others
def in_markdown(text: str) -> str:
    """The text on one line; only what stands between backticks is marked up, as code."""
    parts = _CODE.split(one_line(text).translate(_TAGS))
    return "".join(
        part.replace("|", "\\|") if index % 2 else _MARKS.sub(r"\\\1", part)
        for index, part in enumerate(parts)
    )


def table_lines(
    heads: Sequence[str], numeric: Sequence[bool], rows: Sequence[Sequence[str]]
) -> list[str]:
    """The lines of a table; numeric columns are right-aligned."""
    sides = ["---:" if right else "---" for right in numeric]
    texts = [[in_markdown(" ".join(cell.split())) for cell in row] for row in (heads, *rows)]
    return [_row(cells) for cells in (texts[0], sides, *texts[1:])]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"

"""Format rows of text as a GitHub Markdown table."""

from __future__ import annotations

from collections.abc import Sequence


def table_lines(
    heads: Sequence[str], numeric: Sequence[bool], rows: Sequence[Sequence[str]]
) -> list[str]:
    """The lines of a table; numeric columns are right-aligned."""
    sides = ["---:" if right else "---" for right in numeric]
    return [_row(cells) for cells in (heads, sides, *rows)]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_one_line(cell).replace("|", "\\|") for cell in cells) + " |"


def _one_line(text: str) -> str:
    return " ".join(text.split())

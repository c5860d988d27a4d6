"""What the commands print on: lines of text, tables, and the state of what is going on.

All text goes through `Screen`, and only this file and `progress` know the library that draws. So
text from records and plug-ins is made visible in one place, letters that the terminal lacks are
spelled before anything is laid out, and no word is cut off, however narrow the terminal is.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from attnbench.cli.show.columns import INDENT, Column, entries, widths_within
from attnbench.cli.show.letters import spelled
from attnbench.clocks import monotonic
from attnbench.visible import one_line, visible

Part = str | tuple[str, str]
"""A text, or a text and its style: "bold", "dim", "red", "green" or "yellow"."""
Cell = Part | list[tuple[str, str]]
"""What stands in a cell of a table: one part, or several with their styles."""
NARROWEST = 10
"""Columns below which lines are as if there were so many."""
RULED = box.Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
"""A rule below the heads in ASCII, for terminals without signs for frames."""


class Screen:
    """Standard output or error, for text from anywhere."""

    def __init__(self, *, stderr: bool = False, width: int | None = None) -> None:
        """Take standard output or error as it is now, and the width of its terminal."""
        stream = sys.stderr if stderr else sys.stdout
        stream = getattr(stream, "beneath", stream)  # as `streams.guarded` left it
        self.console = Console(
            file=stream,
            width=max(width or shutil.get_terminal_size((80, 25)).columns, NARROWEST),
            force_terminal=stream.isatty(),  # FORCE_COLOR does not reach files
            legacy_windows=False,
            markup=False,
            highlight=False,
            emoji=False,
        )
        self.began = self.said_at = monotonic()
        """When a line was last printed, or else when the screen was made."""

    @property
    def width(self) -> int:
        """Columns of the terminal; 80 where there is none."""
        return self.console.width

    @property
    def moves(self) -> bool:
        """Whether lines can be drawn over: not in a file, nor on a terminal that calls it dumb."""
        return self.console.is_interactive

    def shown(self, text: str) -> str:
        """The text as it can be shown here, with its line breaks."""
        return spelled(visible(text), self.console.encoding)

    def say(self, *parts: Part, gap: bool = False) -> None:
        """Print one paragraph, wrapped at spaces; with `gap` an empty line before it."""
        if gap:
            self.console.print()
        self.console.print(self._text(parts))
        self.said_at = monotonic()

    def say_whole(self, text: str) -> None:
        """Print one line that is never wrapped, so that a path in it can be copied."""
        self.console.print(self._text([text]), soft_wrap=True)

    def _text(self, parts: Sequence[Part]) -> Text:
        text = Text()
        for part in parts:
            words, style = (part, "") if isinstance(part, str) else part
            text.append(self.shown(one_line(words) if words.strip() else words), style)
        return text

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
        """Print a table; where it is too wide, each row as an entry of lines "head: value".

        Args:
            columns: heads and alignment.
            rows: a cell for each column; rows may be shorter. Line breaks in it are kept.
        """
        cells = [[self._cell(cell) for cell in row] for row in rows]
        texts = [[cell.plain for cell in row] for row in cells]
        widths = widths_within(columns, texts, self.width)
        if widths is None:
            for line in entries(columns, texts):
                self._entry(self.shown(line))
            self.console.print()
            return
        is_utf = self.console.encoding.lower().startswith("utf")
        table = Table(
            box=box.SIMPLE_HEAD if is_utf else RULED,
            pad_edge=False,
            show_header=any(column.head for column in columns),
        )
        for column, width in zip(columns, widths, strict=True):
            table.add_column(
                Text(self.shown(column.head)), justify=column.justify, width=width,
                no_wrap=column.whole, overflow="fold",
            )  # fmt: skip
        for row in cells:
            table.add_row(*row)
        self.console.print(table)

    def _cell(self, cell: Cell) -> Text:
        if isinstance(cell, str):
            return Text(self.shown(cell))
        parts = cell if isinstance(cell, list) else [cell]
        return Text.assemble(*((self.shown(words), style) for words, style in parts))

    def _entry(self, line: str) -> None:
        """Print a line of an entry; what does not fit into it goes on below, indented."""
        indent = len(line) - len(line.lstrip())
        room = max(self.width - indent - len(INDENT), 1)
        wrapped = Text(line.strip()).wrap(self.console, room, overflow="fold")
        for index, part in enumerate(wrapped):
            self.console.print(Text(" " * indent + INDENT * (index > 0) + part.plain.rstrip()))


def json_text(value: Any) -> str:
    """JSON in ASCII, which is safe to show as it is; delete (0x7f) is the one exception.

    Raises:
        ValueError: a number is not finite, for which JSON has no form.
    """
    return json.dumps(value, indent=2, allow_nan=False).replace("\x7f", "\\u007f")

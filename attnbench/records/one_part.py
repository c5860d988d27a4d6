"""Equal parts of records as one object: thousands of records are of few machines and protocols.

That saves memory, and an object is equal to itself at first sight.
"""

from __future__ import annotations

from collections.abc import Hashable

from attnbench.records.schema import Line

PARTS = ("environment", "protocol")


class OnePart:
    """Gives records that were just read the parts of those before them."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Hashable] = {}

    def each(self, line: Line) -> Line:
        """The same line, whose parts are those of the first line that has equal ones."""
        for name in PARTS:
            part = getattr(line, name, None)
            if part is not None:
                # The record is not changed: nobody has seen it yet, and the parts are equal.
                object.__setattr__(line, name, self._known.setdefault(part, part))
        return line

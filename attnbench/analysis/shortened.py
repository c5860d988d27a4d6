"""Long lists kept short: the first items and the number of the others, and texts made on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import overload

MOST_NAMED = 12
"""Nobody reads more names in one sentence."""


def some_of(names: Sequence[str], most: int = MOST_NAMED, between: str = ", ") -> str:
    """The names, or the first ones and the number of the others: "a, b and 3,400 more"."""
    if len(names) <= most:
        return between.join(names)
    return f"{between.join(names[:most])} and {len(names) - most:,} more"


class Lines(Sequence[str]):
    """Texts that are made when they are asked for: of thousands, few are shown."""

    def __init__(self, makers: Iterable[Callable[[], str]]) -> None:
        """Take a function for each text."""
        self._makers = list(makers)

    def __len__(self) -> int:
        return len(self._makers)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [make() for make in self._makers[index]]
        return self._makers[index]()

    def __add__(self, other: Lines) -> Lines:
        return Lines([*self._makers, *other._makers])

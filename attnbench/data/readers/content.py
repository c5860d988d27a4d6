"""What every reader gives: pictures with the names of their classes, by split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from attnbench.data.decoding import OnProgress
from attnbench.data.findings import Findings, Kind
from attnbench.data.stored import PictureFile

NO_LABEL = Kind("picture without label", "refused", "label it, or take it out")


@dataclass(frozen=True, slots=True)
class Named:
    """A picture, and the name of its class."""

    file: PictureFile
    class_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The pictures of a data set."""

    splits: Mapping[str, Sequence[Named]]
    class_names: Sequence[str] = ()
    """In the order that the data set gives; () if it gives none."""
    photographs: bool = True
    """See `ImageData.photographs`."""


class Reader(Protocol):
    """A data set that was found; nothing but the names of its parts is read yet."""

    @property
    def name(self) -> str:
        """Of the data set, for records."""
        ...

    @property
    def place(self) -> str:
        """Where it is, as the user gave it."""
        ...

    @property
    def text(self) -> str:
        """What was taken, for the user: "tar shards: 4 files"."""
        ...

    @property
    def splits(self) -> Sequence[str]:
        """Those of "train", "val" and "test" that there are; a set without parts is "train".

        Raises:
            UserError: the data set cannot be opened.
        """
        ...

    def read(
        self, splits: Sequence[str], findings: Findings, on_progress: OnProgress | None = None
    ) -> Content:
        """Every picture of some splits that has a label; the others are among the findings.

        Args:
            splits: to read.
            findings: takes what was found.
            on_progress: called with (parts read, parts in all).

        Raises:
            UserError: the data set cannot be read at all.
        """
        ...

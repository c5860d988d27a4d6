"""What every layout gives: pictures with what is known of them, before a picture is decoded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol

from msgspec import Meta

from attnbench.data.decoding import OnProgress
from attnbench.data.findings import Findings
from attnbench.data.headers import Header
from attnbench.data.layouts.mask_files import Colour, MaskContent
from attnbench.data.targets import IGNORE, Numbers, Objects

MaskValue = Annotated[int, Meta(ge=0, le=255)]
"""Checked where the settings are read from a checkpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a user wants a folder to be read."""

    strict: bool = False
    """Refuse what would be repaired."""
    skip_broken: bool = False
    """Leave out pictures that cannot be read, instead of refusing the folder."""
    mask_values: tuple[MaskValue, ...] = ()
    """Values in masks that stand for the classes, in their order; () for 0, 1, 2 …"""
    mask_ignore: MaskValue | None = None
    """A value in masks of pixels that are neither trained on nor scored; 255 always is one if it
    stands for no class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A picture with its labels."""

    name: str
    """Its path below the folder of the data set."""
    header: Header
    upright: bool
    """Whether it is turned as its orientation tag says: labels may be of the picture as stored."""
    objects: Objects | None = None
    """In pixels of the picture."""
    mask: Path | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels, as it is decoded."""
        width, height = self.header.size
        turned = self.header.swapped and not self.upright
        return (width, height) if turned else (height, width)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskClasses:
    """What the values and colours of masks stand for."""

    names: tuple[str, ...]
    values: Mapping[int, int]
    """The label of each value."""
    colours: Mapping[Colour, int]
    """The label of each colour; {} for masks of values."""

    def pixels(self, masks: Iterable[MaskContent]) -> list[int]:
        """The pixels of each class, and at last those that are ignored."""
        counts = [0] * (len(self.names) + 1)
        for mask in masks:
            for value, count in mask.values.items():
                counts[self.values.get(value, len(self.names))] += count
            for colour, count in mask.colours.items():
                label = self.colours.get(colour, IGNORE)
                counts[min(label, len(self.names))] += count
        return counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The content of a labelled folder."""

    class_names: tuple[str, ...]
    splits: Mapping[str, Sequence[Labelled]]
    numbers: Numbers | None = None
    """Those of the held-out pictures, for result files."""
    pixels: Mapping[str, Sequence[int]] | None = None
    """By split: the pixels of each class, and at last those that are ignored; of masks alone."""
    masks: MaskClasses | None = None


class Layout(Protocol):
    """A folder in a known layout; its labels are not read yet."""

    @property
    def task(self) -> str:
        """The task that the labels belong to."""
        ...

    @property
    def text(self) -> str:
        """What was taken, for the user: "COCO JSON: annotations/instances_train.json, …"."""
        ...

    @property
    def splits(self) -> Sequence[str]:
        """Those of "train", "val" and "test" that there are."""
        ...

    def read(
        self,
        splits: Sequence[str],
        findings: Findings,
        settings: Reading,
        on_progress: OnProgress | None = None,
    ) -> Found:
        """Labels and headers of some splits; the first one decides the order of the classes.

        Raises:
            UserError: the labels cannot be read at all; what can be shown is among the findings.
        """
        ...

"""What `attnbench explain` leaves for the page of a report, as one JSON file.

Pictures are JPEG, maps are bytes from 0 to 255, both in base64: a file of some pictures has a few
hundred kilobytes. Format history:
    1  first version.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from attnbench.errors import UserError
from attnbench.files.reading import read_text, shown
from attnbench.files.writing import replace_text
from attnbench.records.convert import as_type
from attnbench.records.numbers import Count, Pixels, Score, Share, Some, Text

FILE = "explain.json"
FOLDER = "explain"
"""Below the results, where a report looks for it."""
FORMAT = "attnbench explanation"
VERSION = 1
MOST_BYTES = 2**20
"""What a page may hold of it: pages stay below 3 MB."""
JPEG = b"\xff\xd8"
Cells = tuple[Pixels, Pixels]
"""(rows, columns)."""
Encoded = Annotated[str, Meta(max_length=MOST_BYTES)]
"""Bytes in base64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean over pictures with its 95 % interval."""

    value: Score
    low: Score
    high: Score


@dataclass(frozen=True, slots=True, kw_only=True)
class InBoxes:
    """What the maps of one model have inside the boxes, and the difference to the control."""

    pictures: Count
    pointing: Estimate
    energy: Estimate
    pointing_gain: Estimate
    energy_gain: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedModel:
    """One model, over all pictures."""

    label: Text
    layer: Text
    maps: Some
    empty: Count
    """Maps in which nothing speaks for the class."""
    nothing: Count
    """Of these, pictures in which the model finds nothing."""
    unreached: Count
    """Of these, pictures whose answer does not follow from the layer."""
    inside: InBoxes | None = None
    control: InBoxes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMap:
    """What speaks for a class in one picture."""

    text: Text
    """The class and its share, for a reader."""
    cells: Cells
    values: Encoded
    """Row by row, from the map's least to its largest value."""
    detected: tuple[Score, ...] = ()
    """x1, y1, x2, y2 of the explained detection in pixels of the picture, or ()."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenMaps:
    """The attention that the anchors of one layer imply in one picture, for every token."""

    layer: Text
    cells: Cells
    """Tokens, or squares of `block` by `block` of them where the grid is fine."""
    block: Some
    values: Encoded
    """For each cell, row by row, the attention that it pays to all cells, by its own largest."""
    largest: tuple[Share, ...]
    """The value that 255 stands for, for each cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPicture:
    """A picture with its maps."""

    name: Text
    jpeg: Encoded
    size: tuple[Pixels, Pixels]
    """(height, width)."""
    boxes: tuple[tuple[Score, Score, Score, Score], ...]
    """x1, y1, x2, y2 in these pixels: those that the numbers are about."""
    maps: tuple[ClassMap, ...]
    """One of each model."""
    tokens: tuple[TokenMaps, ...] = ()
    """Of the first model, where it has anchors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerUse:
    """How one layer uses its anchors; see `explain.anchor_use`."""

    layer: Text
    num_anchors: Some
    images: Some
    dead_share: Share
    degree_entropy: Score
    effective_rank: Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """All of it."""

    created: Text
    """When, in UTC."""
    data: Text
    """What the pictures are of."""
    boxes_are: Text
    """What the numbers are about; "" without boxes."""
    shares_are: Text
    """What the percentages beside the classes are."""
    models: Annotated[tuple[ExplainedModel, ...], Meta(min_length=1)]
    pictures: tuple[ShownPicture, ...]
    anchors: tuple[LayerUse, ...] = ()
    """Of the first model."""


def write(path: Path, explanation: Explanation) -> None:
    """Replace a file.

    Raises:
        UserError: it cannot be written.
    """
    content = {"format": FORMAT, "version": VERSION, **asdict(explanation)}
    try:
        replace_text(path, json.dumps(content, allow_nan=False) + "\n")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; choose another --out") from error


def read(path: Path) -> Explanation:
    """Read one, and check that all of it can be drawn.

    Raises:
        UserError: it cannot be read, or is something else; the message says what to do.
    """
    text = read_text(path)
    try:
        if len(text) > MOST_BYTES:
            raise ValueError(f"{len(text):,} bytes, and a page takes {MOST_BYTES:,}")
        values = json.loads(text)
        if not isinstance(values, dict) or values.get("format") != FORMAT:
            raise ValueError("something else")
        if values.get("version") != VERSION:
            raise ValueError("one of another version")
        found = as_type(values, Explanation)
        _check(found)
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{shown(path)}: expected what `attnbench explain` leaves, got {error}; run it again, "
            "with a smaller --show if it is too large"
        ) from error
    return found


def newest(paths: Sequence[Path]) -> Path | None:
    """The newest file below the folders of these results, or None."""
    folders = {path if path.is_dir() else path.parent for path in paths}
    found = [file for folder in folders for file in (folder / FOLDER).rglob(FILE)]
    files = [file for file in found if file.is_file()]
    return max(files, key=lambda file: (file.stat().st_mtime, str(file)), default=None)


def _check(found: Explanation) -> None:
    for picture in found.pictures:
        if not _bytes(picture.jpeg).startswith(JPEG):
            raise ValueError("a picture that is no JPEG")
        if len(picture.maps) != len(found.models):
            raise ValueError("a picture without a map of each model")
        for one in picture.maps:
            _check_length(one.values, one.cells[0] * one.cells[1])
            if len(one.detected) not in (0, 4):
                raise ValueError("a detection without four sides")
        for tokens in picture.tokens:
            cells = tokens.cells[0] * tokens.cells[1]
            _check_length(tokens.values, cells**2)
            if len(tokens.largest) != cells:
                raise ValueError("a token without its largest value")


def _check_length(encoded: str, expected: int) -> None:
    if len(_bytes(encoded)) != expected:
        raise ValueError(f"a map of other than {expected:,} values")


def _bytes(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ValueError(f"bytes that are no base64 ({error})") from error

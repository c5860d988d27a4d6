"""Read a mask: the value of each pixel, or its colour, never changed by a conversion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from attnbench.data.findings import BROKEN_MASK, Kind, PictureError
from attnbench.data.targets import IGNORE

LOSSY = Kind("mask stored as JPEG, which changes values", "refused", "export it as PNG")
OTHER_MASK = Kind("mask of a mode without plain values", "refused", "export it as grey PNG")
MISSING_MASK = Kind("mask that is missing", "refused", "add it, or move its picture away")

VALUES = 256
"""Of a mask with a byte for each pixel; larger ones stand for no class."""

Colour = tuple[int, int, int]
Bytes = NDArray[np.uint8]


@dataclass(slots=True)
class MaskContent:
    """What is in one mask."""

    path: Path
    size: tuple[int, int] = (0, 0)
    """(height, width) in pixels; (0, 0) if it cannot be read."""
    values: Mapping[int, int] = field(default_factory=dict)
    """Number of pixels of each value."""
    colours: Mapping[Colour, int] = field(default_factory=dict)
    """Number of pixels of each colour, in place of values."""
    fault: Kind | None = None


def content_of(path: Path, *, painted: bool) -> MaskContent:
    """Count the values of a mask, or its colours.

    Args:
        path: of the file.
        painted: whether there is a table of colours: three equal channels are a colour then.
    """
    try:
        pixels = _pixels(path)
    except PictureError as error:
        return MaskContent(path=path, fault=error.kind)
    if pixels.ndim == 3 and not painted and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    size = (pixels.shape[0], pixels.shape[1])
    if pixels.ndim == 2:
        values, counts = np.unique(pixels, return_counts=True)
        return MaskContent(
            path=path, size=size, values=dict(zip(values.tolist(), counts.tolist(), strict=True))
        )
    packed, counts = np.unique(_packed(pixels), return_counts=True)
    colours = {_unpacked(one): count for one, count in zip(packed, counts.tolist(), strict=True)}
    return MaskContent(path=path, size=size, colours=colours)


def read_labels(
    path: Path,
    values: Mapping[int, int],
    colours: Mapping[Colour, int],
    size: tuple[int, int] | None = None,
) -> Tensor:
    """The labels of a mask that was looked at, uint8 (height, width).

    Args:
        path: of the file.
        values: the label of each value; others are ignored.
        colours: the label of each colour; {} for masks of values.
        size: (height, width) to take the nearest pixels for; None for all pixels.

    Raises:
        UserError: the file does not decode.
    """
    pixels = _pixels(path)
    if size is not None:
        rows, columns = (
            ((np.arange(new) + 0.5) * old / new).astype(np.int64)
            for new, old in zip(size, pixels.shape, strict=False)
        )
        pixels = pixels[rows[:, None], columns]
    if pixels.ndim == 3 and colours:
        labels = np.full(pixels.shape[:2], IGNORE, np.uint8)
        packed = _packed(pixels)
        for colour, label in colours.items():
            labels[packed == _packed(np.array(colour))] = label
        return torch.from_numpy(labels)
    table = np.full(VALUES, IGNORE, np.uint8)
    table[list(values)] = list(values.values())
    plain = pixels if pixels.ndim == 2 else pixels[..., 0]
    return torch.from_numpy(table[np.minimum(plain, VALUES - 1)])


def _pixels(path: Path) -> NDArray[np.int64]:
    """Values (height, width), or colours (height, width, 3): indices of palettes are values."""
    try:
        with Image.open(path) as image:
            image.load()
            image_format, mode = image.format, image.mode
    except Exception as error:  # a decoder may raise anything on a corrupt file
        raise PictureError(path, BROKEN_MASK, "a file that does not decode") from error
    if image_format in ("JPEG", "MPO"):
        raise PictureError(path, LOSSY, "a JPEG mask")
    pixels = np.asarray(image).astype(np.int64)
    if mode == "RGBA" and (pixels[..., 3] == 255).all():
        return pixels[..., :3]
    if mode not in ("1", "L", "P", "I", "I;16", "I;16B", "RGB"):
        raise PictureError(path, OTHER_MASK, f"mode {mode}")
    return pixels


def _packed(colours: NDArray[np.int64]) -> NDArray[np.int64]:
    return (colours[..., 0] << 16) | (colours[..., 1] << 8) | colours[..., 2]


def _unpacked(packed: int) -> Colour:
    value = int(packed)
    return value >> 16, value >> 8 & 255, value & 255

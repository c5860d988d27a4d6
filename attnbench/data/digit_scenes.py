"""Scenes composed of real handwritten digits: boxes and label maps known exactly, no download.

A scene holds a few digits of several sizes, slants and colours on a darker, mottled ground, among
strokes and pieces of other digits that are no objects. Digits may cover each other a little. Boxes,
areas and labels are read from one map of which digit is seen at which pixel.

Every run sees the same scenes, whatever its seed. Digits of held-out scenes are those that are held
out of `digits`, so none of them is in a training scene.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from attnbench.data.decoding import OnProgress
from attnbench.data.digits import LEVELS, split_digits
from attnbench.data.images import ImageData
from attnbench.data.labelled_images import LabelledInMemory
from attnbench.data.targets import LabelMap, Objects, Target
from attnbench.errors import UserError

DEFAULT_SIZE = 96
SMALLEST = 64
"""Side in pixels of the smallest scenes: smaller digits cannot be read."""
SCENES = {"train": 800, "val": 200}
SEEDS = {"train": 1, "val": 2}
SLANT_DEGREES = 10.0
MOST_COVERED = 0.15
"""Of the smaller of two boxes, by the other one, before a digit takes another place."""
LEAST_PIXELS = 12
"""A digit of which less is seen is left out of the scene."""
TRIES = 8
"""Places that are tried for a digit; a scene may be full."""
GROUND = (20, 100)
"""Range of the mean lightness of the ground, of 255: digits are always lighter."""
LEAST_CONTRAST = 100
"""Between the lightness of a digit and that of what it covers, of 255."""
NOISE = 10
"""The most that noise adds to a value of 0 to 255, or takes from it."""
STROKES, PIECES = 3, 1
"""The most of each in a scene."""


@dataclass(frozen=True, slots=True)
class Crowding:
    """How many digits a scene holds, and how large they are."""

    fewest: int
    most: int
    """Digits that are tried: a scene may be full before."""
    sides: tuple[float, float]
    """Range of the height of a digit with its margin, as a share of the scene's short side; small
    ones are as frequent as large ones on a scale of ratios."""


CROWDING = {
    "detection": Crowding(1, 4, (0.35, 0.7)),
    # Networks learn from the pixels of digits; where most are of the ground, they learn slowly.
    "segmentation": Crowding(4, 8, (0.3, 0.5)),
}
"""By task."""

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.float32]


@dataclass(slots=True)
class _Canvas:
    pixels: Numbers
    """(height, width, 3), 0 to 255."""
    owners: Bytes
    """(height, width): 0 for the ground, n for the n-th digit."""
    classes: list[int]
    boxes: list[tuple[int, int, int, int]]
    """Where digits were put, before others covered them."""


def open_digit_scenes(
    img_size: int | tuple[int, int] | None = None,
    *,
    task: str | None = None,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> ImageData:
    """800 training scenes and 200 held-out ones of `img_size` (default 96).

    Args:
        img_size: side, or (height, width), in pixels.
        task: "detection" for boxes (the default), or "segmentation" for label maps, where class 0
            is the ground.
        seed: without effect.
        on_progress: called with (scenes done, scenes in all).

    Raises:
        UserError: another task, or scenes of under 64 pixels.
    """
    task = task or "detection"
    if task not in CROWDING:
        raise UserError(f"digit-scenes has boxes and label maps; got the task {task}")
    side = img_size or DEFAULT_SIZE
    size = (side, side) if isinstance(side, int) else side
    if min(size) < SMALLEST:
        raise UserError(f"digit-scenes are at least {SMALLEST} px high and wide, got {min(size)}")
    split, done = split_digits(), 0
    sets = {}
    for name, (images, labels) in split.items():
        sets[name] = _scenes(name, images.numpy(), labels.tolist(), size, task)
        done += SCENES[name]
        if on_progress:
            on_progress(done, sum(SCENES.values()))
    digits = tuple("0123456789")
    return ImageData(
        name="digit-scenes",
        train=sets["train"],
        val=sets["val"],
        class_names=digits if task == "detection" else ("background", *digits),
        img_size=size,
        photographs=False,
        task=task,
    )


def _scenes(
    split: str, digits: NDArray[np.float64], labels: Sequence[int], size: tuple[int, int], task: str
) -> LabelledInMemory:
    """All scenes of a split, from its own digits (digits, 8, 8)."""
    images = torch.empty(SCENES[split], 3, *size, dtype=torch.uint8)
    targets: list[Target] = []
    shapes = [
        Image.fromarray(np.pad((digit * (255 / LEVELS)).astype(np.uint8), 1)) for digit in digits
    ]
    for row in range(SCENES[split]):
        random = np.random.default_rng((SEEDS[split], row))
        canvas = _composed(random, shapes, labels, size, CROWDING[task])
        images[row] = torch.from_numpy(canvas.pixels.round().astype(np.uint8)).permute(2, 0, 1)
        name = f"{split}/{row:03d}"
        targets.append(_objects(canvas, name) if task == "detection" else _label_map(canvas, name))
    return LabelledInMemory(images, targets)


def _composed(
    random: np.random.Generator,
    shapes: Sequence[Image.Image],
    labels: Sequence[int],
    size: tuple[int, int],
    crowding: Crowding,
) -> _Canvas:
    canvas = _Canvas(_ground(random, size), np.zeros(size, np.uint8), [], [])
    for _ in range(random.integers(PIECES + 1)):
        _add_piece(random, canvas, shapes[int(random.integers(len(shapes)))], crowding)
    for _ in range(random.integers(crowding.fewest, crowding.most + 1)):
        row = int(random.integers(len(shapes)))
        _add_digit(random, canvas, shapes[row], labels[row], crowding)
    canvas.pixels += _noise(random, canvas.pixels.shape)
    np.clip(canvas.pixels, 0, 255, out=canvas.pixels)
    return canvas


def _noise(random: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
    """Whole numbers from -NOISE to NOISE; bytes are drawn at a tenth of the time of normals."""
    drawn = np.frombuffer(random.bytes(int(np.prod(shape))), np.uint8).reshape(shape)
    return (drawn % (2 * NOISE + 1)).astype(np.float32) - NOISE


def _ground(random: np.random.Generator, size: tuple[int, int]) -> Numbers:
    """Soft patches of colour, crossed by strokes."""
    height, width = size
    patches = random.integers(*GROUND) + random.normal(0, 18, (5, 5, 3))
    small = Image.fromarray(patches.clip(0, 255).astype(np.uint8))
    ground = small.resize((width, height), Image.Resampling.BICUBIC)
    drawing = ImageDraw.Draw(ground)
    for _ in range(random.integers(STROKES + 1)):
        x1, x2 = random.integers(width, size=2).tolist()
        y1, y2 = random.integers(height, size=2).tolist()
        colour = tuple(random.integers(256, size=3).tolist())
        drawing.line((x1, y1, x2, y2), fill=colour, width=int(random.integers(1, 4)))
    return np.asarray(ground).astype(np.float32)


def _add_piece(
    random: np.random.Generator, canvas: _Canvas, shape: Image.Image, crowding: Crowding
) -> None:
    """A quarter of a digit: made of strokes like one, but no object."""
    half = shape.width // 2
    left, top = (half * random.integers(2, size=2)).tolist()
    quarter = shape.crop((left, top, left + half, top + half))
    cover = _cover(random, quarter, canvas.owners.shape, crowding)
    corner = _corner(random, canvas, cover)
    _paint(random, canvas, cover, corner)


def _add_digit(
    random: np.random.Generator,
    canvas: _Canvas,
    shape: Image.Image,
    label: int,
    crowding: Crowding,
) -> None:
    """Put a digit where it covers others but little; without such a place there is none."""
    cover = _cover(random, shape, canvas.owners.shape, crowding)
    height, width = cover.shape
    for _ in range(TRIES):
        left, top = _corner(random, canvas, cover)
        box = (left, top, left + width, top + height)
        if all(_covered(box, other) <= MOST_COVERED for other in canvas.boxes):
            _paint(random, canvas, cover, (left, top))
            canvas.classes.append(label)
            canvas.boxes.append(box)
            part = canvas.owners[top : top + height, left : left + width]
            part[cover > 0.5] = len(canvas.classes)
            return


def _cover(
    random: np.random.Generator, shape: Image.Image, size: tuple[int, ...], crowding: Crowding
) -> Numbers:
    """How much of each pixel a shape covers, 0 to 1, cut to what is there: (height, width)."""
    low, high = crowding.sides
    side = min(size) * low * (high / low) ** random.random()
    width = round(side * random.uniform(0.8, 1.1))
    enlarged = shape.resize((width, round(side)), Image.Resampling.BICUBIC)
    slanted = enlarged.rotate(
        random.uniform(-SLANT_DEGREES, SLANT_DEGREES), Image.Resampling.BILINEAR, expand=True
    )
    # The strokes of the digits are blurred: a steeper edge, half-way up.
    steep = (np.asarray(slanted, np.float32) / 255 - 0.5) * 3 + 0.5
    cover: Numbers = np.clip(steep, 0, 1, dtype=np.float32)
    rows, columns = (np.flatnonzero((cover > 0.5).any(axis)) for axis in (1, 0))
    if not len(rows):
        return np.ones((1, 1), np.float32)
    return cover[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _corner(random: np.random.Generator, canvas: _Canvas, cover: Numbers) -> tuple[int, int]:
    """A random place, left and top, where the whole shape is inside."""
    height, width = canvas.owners.shape
    return (
        int(random.integers(width - cover.shape[1] + 1)),
        int(random.integers(height - cover.shape[0] + 1)),
    )


def _covered(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    """The part of the smaller box that the other covers."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return max(wide, 0) * max(high, 0) / min(areas)


def _paint(
    random: np.random.Generator, canvas: _Canvas, cover: Numbers, corner: tuple[int, int]
) -> None:
    """A shape in a colour that is lighter than what is below it, as far as there is room."""
    left, top = corner
    part = canvas.pixels[top : top + cover.shape[0], left : left + cover.shape[1]]
    lowest = min(float(part.mean()) + LEAST_CONTRAST, 255)
    colour = random.uniform(lowest, 255) + random.normal(0, 12, 3)
    part += cover[..., None] * (colour.clip(0, 255).astype(np.float32) - part)


def _objects(canvas: _Canvas, name: str) -> Objects:
    boxes, labels, areas = [], [], []
    for number, label in enumerate(canvas.classes, start=1):
        seen = canvas.owners == number
        count = int(seen.sum())
        if count >= LEAST_PIXELS:
            rows, columns = (np.flatnonzero(seen.any(axis)) for axis in (1, 0))
            boxes.append([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
            labels.append(label)
            areas.append(count)
    return Objects(
        picture=name,
        size=_size(canvas),
        boxes=torch.tensor(np.array(boxes, np.float32).reshape(-1, 4)),
        labels=torch.tensor(labels, dtype=torch.int64),
        crowd=torch.zeros(len(labels), dtype=torch.bool),
        areas=torch.tensor(areas, dtype=torch.float32),
        seen=_size(canvas),
    )


def _label_map(canvas: _Canvas, name: str) -> LabelMap:
    """Label 0 is the ground, and 1 + d is the digit d."""
    table = np.array([0, *(1 + label for label in canvas.classes)], np.uint8)
    return LabelMap(picture=name, labels=_tensor(table[canvas.owners]))


def _tensor(values: Bytes) -> Tensor:
    return torch.from_numpy(values)


def _size(canvas: _Canvas) -> tuple[int, int]:
    height, width = canvas.owners.shape
    return height, width

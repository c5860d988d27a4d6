"""Draw boxes and label maps on pictures, a colour for each class."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from attnbench.data.targets import IGNORE, LabelMap, Objects

TURN = 0.618034
"""Between the hues of neighbours, as a share of the circle: the golden ratio repeats none."""
OPACITY = 0.55
Colour = tuple[int, int, int]
IGNORED: Colour = (160, 160, 160)
INK: Colour = (0, 0, 0)
PAPER: Colour = (255, 255, 255)


def class_colours(count: int) -> list[Colour]:
    """A colour for each class: neighbours differ in hue, and every other one is darker."""
    colours = []
    for label in range(count):
        value = 0.95 if label % 2 == 0 else 0.7
        parts = colorsys.hsv_to_rgb(label * TURN % 1, 0.85, value)
        colours.append((round(255 * parts[0]), round(255 * parts[1]), round(255 * parts[2])))
    return colours


def with_boxes(
    image: Image.Image,
    objects: Objects,
    names: Sequence[str],
    scale: float = 1.0,
    scores: Sequence[float] = (),
) -> Image.Image:
    """A copy of a picture with its boxes, and the name of the class in each one's corner.

    Crowds have dashed names: "(person)".

    Args:
        image: RGB.
        objects: in pixels of the picture before it was enlarged by `scale`.
        names: of the classes.
        scale: from pixels of the boxes to those of the picture.
        scores: of the boxes, where they were found; they stand behind the names.
    """
    drawn, colours = image.copy(), class_colours(len(names))
    drawing, font = ImageDraw.Draw(drawn), ImageFont.load_default(11)
    boxes = (scale * objects.boxes).tolist()
    labels = objects.labels.tolist()
    for box, label in zip(boxes, labels, strict=True):
        drawing.rectangle(box, outline=colours[label], width=2)
    further = [f" {score:.2f}" for score in scores] or [""] * len(labels)
    # Names come last: no box crosses them.
    for (left, top, right, _), label, crowd, score in zip(
        boxes, labels, objects.crowd.tolist(), further, strict=True
    ):
        text = f"({names[label]})" if crowd else names[label] + score
        edge = drawing.textbbox((left + 2, top), text, font)
        if edge[2] - edge[0] < right - left:  # names that are wider than their box hide others
            drawing.rectangle((edge[0] - 2, top, edge[2] + 1, edge[3] + 1), fill=colours[label])
            drawing.text((left + 2, top), text, _ink_on(colours[label]), font)
    return drawn


def _ink_on(colour: Colour) -> Colour:
    """Black, or white on a dark colour (luma of ITU-R BT.601)."""
    red, green, blue = colour
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 90 else PAPER


def with_labels(image: Image.Image, target: LabelMap, num_classes: int) -> Image.Image:
    """A copy of a picture in the colours of its labels; what is ignored is hatched in grey.

    Args:
        image: RGB, of any size: the labels are brought to it.
        target: labels of its pixels.
        num_classes: how many labels there may be.
    """
    table = np.zeros((IGNORE + 1, 3), np.uint8)
    table[:num_classes] = class_colours(num_classes)
    table[IGNORE] = IGNORED
    small = Image.fromarray(target.labels.cpu().numpy())
    labels = np.asarray(small.resize(image.size, Image.Resampling.NEAREST))
    painted = table[labels]
    rows, columns = np.indices(labels.shape)
    painted[(labels == IGNORE) & ((rows + columns) % 6 < 2)] = INK
    return Image.blend(image, Image.fromarray(painted), OPACITY)


def drawn(
    image: Image.Image,
    target: Objects | LabelMap,
    names: Sequence[str],
    side: int,
    scores: Sequence[float] = (),
) -> Image.Image:
    """A picture with its labels, its longer side brought to `side` pixels.

    Args:
        image: RGB, in the pixels of the target.
        target: its labels.
        names: of the classes.
        side: in pixels.
        scores: of boxes that were found.
    """
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    resized = image.resize(size, Image.Resampling.BICUBIC)
    if isinstance(target, Objects):
        return with_boxes(resized, target, names, scale, scores)
    return with_labels(resized, target, len(names))

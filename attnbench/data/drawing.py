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


def class_colours(count: int) -> list[Colour]:
    """A colour for each class: neighbours differ in hue, and every other one is darker."""
    colours = []
    for label in range(count):
        value = 0.95 if label % 2 == 0 else 0.7
        parts = colorsys.hsv_to_rgb(label * TURN % 1, 0.85, value)
        colours.append((round(255 * parts[0]), round(255 * parts[1]), round(255 * parts[2])))
    return colours


def with_boxes(
    image: Image.Image, objects: Objects, names: Sequence[str], scale: float = 1.0
) -> Image.Image:
    """A copy of a picture with its boxes, and the name of the class in each one's corner.

    Crowds have dashed names: "(person)".

    Args:
        image: RGB.
        objects: in pixels of the picture before it was enlarged by `scale`.
        names: of the classes.
        scale: from pixels of the boxes to those of the picture.
    """
    drawn, colours = image.copy(), class_colours(len(names))
    drawing, font = ImageDraw.Draw(drawn), ImageFont.load_default(11)
    for box, label, crowd in zip(
        objects.boxes.tolist(), objects.labels.tolist(), objects.crowd.tolist(), strict=True
    ):
        left, top, right, bottom = (scale * side for side in box)
        drawing.rectangle((left, top, right, bottom), outline=colours[label], width=2)
        text = f"({names[label]})" if crowd else names[label]
        edge = drawing.textbbox((left + 2, top), text, font)
        if edge[2] - edge[0] < right - left:  # names that are wider than their box hide others
            drawing.rectangle((edge[0] - 2, top, edge[2] + 1, edge[3] + 1), fill=colours[label])
            drawing.text((left + 2, top), text, INK, font)
    return drawn


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
    image: Image.Image, target: Objects | LabelMap, names: Sequence[str], side: int
) -> Image.Image:
    """A picture with its labels, its longer side brought to `side` pixels.

    Args:
        image: RGB, in the pixels of the target.
        target: its labels.
        names: of the classes.
        side: in pixels.
    """
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    resized = image.resize(size, Image.Resampling.BICUBIC)
    if isinstance(target, Objects):
        return with_boxes(resized, target, names, scale)
    return with_labels(resized, target, len(names))

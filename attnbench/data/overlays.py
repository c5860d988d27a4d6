"""Truth beside prediction: a PNG for each picture, with a legend of the classes in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from attnbench.data.drawing import IGNORED, Colour, class_colours, drawn
from attnbench.data.names import file_part, readable
from attnbench.data.sheet_parts import GAP, GREY, INK, LINE, MARGIN, PAPER, legend_entry, write
from attnbench.data.targets import IGNORE, LabelMap, Target
from attnbench.files.writing import replacing

SIDE, ENTRY = 512, 160
"""In pixels: the longer side of a picture, and the width of an entry of the legend."""
NARROWEST = 240
"""Width of a column in pixels: a tall picture leaves room for its text."""
MOST_ENTRIES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A picture with what is in it, and what was found in it."""

    image: Tensor
    """uint8 (3, height, width)."""
    truth: Target
    """In pixels of the image, or a label map of any size."""
    found: Target
    """The same; of boxes those that count as found."""
    scores: tuple[float, ...]
    """Of the boxes that were found."""
    text: str
    """How much is wrong."""


def save_overlays(
    pictures: Sequence[Judged],
    class_names: Sequence[str],
    folder: Path,
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> list[Path]:
    """Write `worst-01-NAME.png` and so on; such files of an earlier evaluation are removed.

    Args:
        pictures: the worst first.
        class_names: in the order of the labels.
        folder: where to; it is made.
        on_step: called with (pictures done, pictures in all).

    Raises:
        OSError: a file cannot be written.
    """
    digits = max(2, len(str(len(pictures))))
    paths = []
    for old in folder.glob("worst-[0-9]*.png"):
        old.unlink()
    for place, judged in enumerate(pictures, start=1):
        stem = file_part(PurePosixPath(judged.truth.picture).stem)
        paths.append(folder / f"worst-{place:0{digits}}-{stem}.png")
        with replacing(paths[-1]) as new:
            overlay(judged, class_names).save(new, format="PNG")
        on_step(place, len(pictures))
    return paths


def overlay(judged: Judged, class_names: Sequence[str]) -> Image.Image:
    """What is in a picture beside what was found in it, below its name and what is wrong."""
    image = F.to_pil_image(judged.image)
    sides = [
        drawn(image, judged.truth, class_names, SIDE),
        drawn(image, judged.found, class_names, SIDE, judged.scores),
    ]
    wide = max(sides[0].width, NARROWEST)
    width = 2 * MARGIN + 2 * wide + GAP
    legend = _legend(judged, class_names)
    per_line = max(1, (width - 2 * MARGIN) // ENTRY)
    top = MARGIN + 3 * LINE + GAP
    below = top + sides[0].height + MARGIN // 2
    lines = -(-len(legend) // per_line)
    sheet = Image.new("RGB", (width, below + lines * LINE + MARGIN), PAPER)
    drawing = ImageDraw.Draw(sheet)
    for row, text in enumerate((readable(judged.truth.picture), judged.text)):
        place = (MARGIN, MARGIN + LINE * row)
        write(drawing, place, text, GREY if row else INK, width - 2 * MARGIN)
    for index, (side, text) in enumerate(zip(sides, ("truth", "found"), strict=True)):
        left = MARGIN + index * (wide + GAP)
        write(drawing, (left, top - LINE), text, INK, wide)
        sheet.paste(side, (left, top))
    for index, entry in enumerate(legend):
        line, column = divmod(index, per_line)
        legend_entry(drawing, (MARGIN + column * ENTRY, below + line * LINE), entry, ENTRY)
    return sheet


def _legend(judged: Judged, class_names: Sequence[str]) -> list[tuple[str, Colour]]:
    """The classes that are there or were found, in their order."""
    colours = class_colours(len(class_names))
    there = sorted(_labels(judged.truth) | _labels(judged.found))
    entries = [(class_names[label], colours[label]) for label in there if label != IGNORE]
    rest = len(entries) - MOST_ENTRIES
    if rest > 0:
        entries = [*entries[:MOST_ENTRIES], (f"and {rest} more", IGNORED)]
    is_ignored = isinstance(judged.truth, LabelMap) and IGNORE in there
    return [*entries, ("(ignored)", IGNORED)] if is_ignored else entries


def _labels(target: Target) -> set[int]:
    return set(torch.unique(target.labels).tolist())

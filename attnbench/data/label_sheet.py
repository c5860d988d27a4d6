"""A sheet of pictures with their boxes or masks drawn, and a legend of the classes."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from attnbench.data.inspection import Inspection, Labels
from attnbench.data.sheet_parts import GAP, GREY, INK, LINE, MARGIN, PAPER, legend_entry, write

TILES, COLUMNS, SIDE = 12, 4, 300
"""Pictures on a sheet, in a row, and the longer side of each in pixels."""
ENTRY = 150
"""Width of an entry of the legend in pixels."""
MOST_ENTRIES = 96


def label_sheet(inspection: Inspection, labels: Labels) -> Image.Image:
    """Pictures in rows, each with its name, below the legend."""
    pictures = labels.samples(TILES, SIDE)
    width = 2 * MARGIN + COLUMNS * (SIDE + GAP)
    entries = labels.legend[:MOST_ENTRIES]
    per_line = (width - 2 * MARGIN) // ENTRY
    head = 2 * MARGIN + LINE * (2 + -(-len(entries) // per_line))
    rows = [pictures[start : start + COLUMNS] for start in range(0, len(pictures), COLUMNS)]
    heights = [max(picture.height for _, picture in row) + LINE + GAP for row in rows]
    sheet = Image.new("RGB", (width, head + sum(heights) + MARGIN), PAPER)
    drawing = ImageDraw.Draw(sheet)
    _head(drawing, inspection, labels, width)
    for place, entry in enumerate(entries):
        left = MARGIN + place % per_line * ENTRY
        legend_entry(drawing, (left, MARGIN + LINE * (2 + place // per_line)), entry, ENTRY)
    top = head
    for row, height in zip(rows, heights, strict=True):
        _row(sheet, drawing, row, top)
        top += height
    return sheet


def _head(drawing: ImageDraw.ImageDraw, inspection: Inspection, labels: Labels, width: int) -> None:
    images = ", ".join(f"{count:,} {split}" for split, count in inspection.images.items())
    rest = len(labels.legend) - MOST_ENTRIES
    more = f"; {rest} classes are left out of the legend" if rest > 0 else ""
    lines = (inspection.name, f"{images} images; {len(labels.names)} classes{more}")
    for row, text in enumerate(lines):
        place = (MARGIN, MARGIN + LINE * row)
        write(drawing, place, text, GREY if row else INK, width - 2 * MARGIN)


def _row(
    sheet: Image.Image,
    drawing: ImageDraw.ImageDraw,
    row: Sequence[tuple[str, Image.Image]],
    top: int,
) -> None:
    for column, (name, picture) in enumerate(row):
        left = MARGIN + column * (SIDE + GAP)
        sheet.paste(picture, (left, top))
        write(drawing, (left, top + picture.height), name, GREY, SIDE)

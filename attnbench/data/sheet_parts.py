"""What the sheets of samples have in common: measures, colours, lines of text."""

from __future__ import annotations

from PIL import ImageDraw, ImageFont

GAP, MARGIN, LINE = 4, 16, 18
"""In pixels."""
SWATCH = 12
"""Side of a sample of a colour."""
INK, GREY, PAPER = "#222222", "#777777", "#f4f4f2"
"""The paper is not white, so that a white picture shows its edge."""


def write(
    drawing: ImageDraw.ImageDraw, place: tuple[int, int], text: str, ink: str, width: int
) -> None:
    """A line of text, shortened in the middle to a width in pixels."""
    font = ImageFont.load_default(14)
    shown = text
    while drawing.textlength(shown, font) > width and len(shown) > 4:
        half = (len(shown) - 2) // 2
        shown = f"{shown[:half]}…{text[-half:]}"
    drawing.text(place, shown, ink, font)


def legend_entry(
    drawing: ImageDraw.ImageDraw,
    place: tuple[int, int],
    entry: tuple[str, tuple[int, int, int]],
    width: int,
) -> None:
    """The colour and the name of a class, at the upper left corner of a place of that width."""
    (left, top), (name, colour) = place, entry
    drawing.rectangle((left, top + 3, left + SWATCH, top + 3 + SWATCH), fill=colour)
    write(drawing, (left + SWATCH + GAP, top), name, INK, width - SWATCH - 2 * GAP)

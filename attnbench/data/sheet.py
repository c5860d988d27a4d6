"""A sheet of samples: a row of pictures for each class, to look at before training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from attnbench.data.inspection import Inspection
from attnbench.data.label_sheet import label_sheet
from attnbench.data.names import readable
from attnbench.data.sheet_parts import GAP, GREY, INK, LINE, MARGIN, PAPER, write
from attnbench.errors import UserError

ROWS, COLUMNS = 12, 8
SIGNATURE = b"\x89PNG\r\n\x1a\n"
"""How a picture begins; a sheet replaces nothing but a picture."""
TILE, NAME_WIDTH, NARROWEST = 96, 144, 480
"""In pixels."""


def draw_sheet(inspection: Inspection, path: Path) -> None:
    """Write a PNG with samples of the pictures, each whole, upright, and in its proportions.

    Pictures of classes are in a row for each class; of many classes some are drawn, evenly spread
    over the list. Pictures with boxes or masks have them drawn.

    Raises:
        UserError: the file cannot be written.
    """
    labels = inspection.labels
    _save(label_sheet(inspection, labels) if labels else _class_sheet(inspection), path)


def _class_sheet(inspection: Inspection) -> Image.Image:
    names = _spread(list(inspection.classes), ROWS)
    samples = inspection.samples(names, COLUMNS)
    columns = max(map(len, samples.values()), default=0)
    width = max(2 * MARGIN + NAME_WIDTH + columns * (TILE + GAP), NARROWEST)
    title = _title(inspection, len(names))
    head = 2 * MARGIN + LINE * len(title)
    sheet = Image.new("RGB", (width, head + len(names) * (TILE + GAP) + MARGIN), PAPER)
    drawing = ImageDraw.Draw(sheet)
    for line, text in enumerate(title):
        ink = GREY if line else INK
        write(drawing, (MARGIN, MARGIN + LINE * line), text, ink, width - 2 * MARGIN)
    for row, name in enumerate(names):
        top = head + row * (TILE + GAP)
        _name_row(drawing, top, name, inspection)
        for column, picture in enumerate(samples[name]):
            _paste(sheet, picture, MARGIN + NAME_WIDTH + column * (TILE + GAP), top)
    return sheet


def _name_row(drawing: ImageDraw.ImageDraw, top: int, name: str, inspection: Inspection) -> None:
    """The name of a class and its count, half-way down its row of pictures."""
    count = f"{sum(inspection.classes[name].values()):,} {inspection.counted}"
    for line, (text, ink) in enumerate(((name, INK), (count, GREY))):
        place = (MARGIN, top + TILE // 2 - LINE + line * LINE)
        write(drawing, place, text, ink, NAME_WIDTH - GAP)


def _spread(names: list[str], most: int) -> list[str]:
    if len(names) <= most:
        return names
    return [names[row * (len(names) - 1) // (most - 1)] for row in range(most)]


def _title(inspection: Inspection, shown: int) -> Sequence[str]:
    images = " and ".join(f"{count:,} {split}" for split, count in inspection.images.items())
    of = f"{shown} of {len(inspection.classes)}" if shown < len(inspection.classes) else f"{shown}"
    return inspection.name, f"{images} images; {of} classes, training images as a model sees them"


def _paste(sheet: Image.Image, picture: Image.Image, left: int, top: int) -> None:
    """A picture in the middle of its tile; small ones are enlarged with hard pixels."""
    scale = TILE / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    how = Image.Resampling.NEAREST if scale >= 2 else Image.Resampling.LANCZOS
    tile = picture.resize((width, height), how)
    sheet.paste(tile, (left + (TILE - width) // 2, top + (TILE - height) // 2))


def _save(sheet: Image.Image, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() and path.read_bytes()[: len(SIGNATURE)] not in (b"", SIGNATURE):
            raise FileExistsError(0, "it holds something else than a PNG picture")
        sheet.save(path, format="PNG")
    except OSError as error:
        raise UserError(
            f"cannot write the sheet of samples {readable(str(path))}: "
            f"{error.strerror or error}; choose another file with --out"
        ) from error

"""What the header of an image file says, and whether the file ends as its format should.

Headers are read in a third of a millisecond, so a data set can be looked at before it is decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from PIL import ExifTags, Image

from attnbench.data.decoding import OnProgress, highest, in_threads, open_rgb
from attnbench.data.findings import (
    FRAMES,
    TRANSPARENT,
    TURNED,
    Findings,
    Kind,
    PictureError,
    deep,
)
from attnbench.data.stored import PictureFile, num_bytes, opened

SMALL_BYTES = 8192
"""Files up to this size are decoded whole: that takes no longer than reading the header."""

ENDS: dict[str, bytes] = {
    "PNG": b"IEND\xaeB\x60\x82",
    "JPEG": b"\xff\xd9",
    "MPO": b"\xff\xd9",
    "GIF": b";",
}
"""The last bytes of a whole file, by Pillow's name of the format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is known of an image file."""

    path: PictureFile
    size: tuple[int, int] = (0, 0)
    """(width, height) in pixels as shown, that is after turning it upright; (0, 0) if unknown."""
    mode: str = ""
    """Pillow's name, such as "RGB"; "" if unknown."""
    kinds: tuple[Kind, ...] = ()
    """What was found in it."""
    swapped: bool = False
    """Whether turning it upright swaps its sides."""


def read_headers(
    paths: Sequence[PictureFile], findings: Findings, on_progress: OnProgress | None = None
) -> list[Header]:
    """The headers of all files, in order; what they hold is added to the findings."""
    in_order = headers_of(paths, on_progress, decode=findings.skip_broken)
    for header in in_order:
        for kind in header.kinds:
            findings.add(kind, header.path)
    return in_order


def headers_of(
    paths: Sequence[PictureFile], on_progress: OnProgress | None = None, *, decode: bool = False
) -> list[Header]:
    """The headers of all files, in order; see `read_header`."""
    headers: dict[int, Header] = {}

    def read(row: int) -> None:
        headers[row] = read_header(paths[row], decode=decode)

    in_threads(read, len(paths), on_progress)
    return [headers[row] for row in range(len(paths))]


def read_header(path: PictureFile, *, decode: bool = False) -> Header:
    """The header of one file; a file that cannot be used has the reason among its kinds.

    Args:
        path: of the file, or a picture inside of one.
        decode: decode it whole, so that damage in the middle is found, too.
    """
    try:
        with opened(path) as file, Image.open(file) as image:
            size, mode = image.size, image.mode
            whole = not decode and _is_whole(file, image)
            turned, kinds = _orientation(image), _kinds(image)
            # A quarter turn, by the values of the tag in EXIF. Pillow swaps the sides of TIFF.
            swapped = turned > 4 and image.format != "TIFF"
    except Exception:  # noqa: BLE001 - a decoder may raise anything on a corrupt file
        return Header(path=path, kinds=_fault(path))
    if turned > 1:
        kinds = (TURNED, *kinds)
    fault = () if whole else _fault(path)
    return Header(
        path=path,
        size=size[::-1] if swapped else size,
        mode=mode,
        kinds=(*fault, *kinds),
        swapped=swapped,
    )


def _kinds(image: Image.Image) -> tuple[Kind, ...]:
    kinds = []
    top = highest(image.mode)
    if top is not None:
        kinds.append(deep(image.mode, f"{top:,}"))
    elif image.has_transparency_data:
        kinds.append(TRANSPARENT)
    if getattr(image, "is_animated", False):
        kinds.append(FRAMES)
    return tuple(kinds)


def _orientation(image: Image.Image) -> int:
    """The value of the orientation tag, 1 if there is none."""
    if image.format == "PNG" and "exif" not in image.info:
        return 1  # Pillow would decode the whole file to look for a tag behind the pixels
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - a damaged tag may raise anything, and turns nothing
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _is_whole(file: BinaryIO, image: Image.Image) -> bool:
    """Whether a file surely holds all its pixels, as far as that shows without decoding them."""
    size = num_bytes(file)
    if size <= SMALL_BYTES or image.mode in ("I", "F"):  # their values may be out of range
        return False
    if image.format == "WEBP":
        return int.from_bytes(_bytes(file, 4, 4), "little") + 8 <= size
    end = ENDS.get(image.format or "")
    return end is not None and _bytes(file, size - len(end), len(end)) == end


def _bytes(file: BinaryIO, start: int, count: int) -> bytes:
    """Some bytes of a file, whose place stays as it is: a decoder goes on from there."""
    place = file.tell()
    file.seek(start)
    found = file.read(count)
    file.seek(place)
    return found


def _fault(path: PictureFile) -> tuple[Kind, ...]:
    try:
        open_rgb(path)
    except PictureError as error:
        return (error.kind,)
    return ()

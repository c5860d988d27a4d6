"""Read image files as square uint8 tensors: Pillow decodes, torchvision resizes and crops.

A picture is seen as viewers show it: turned as its orientation tag says, and what is transparent
laid over white. Deeper pixels are scaled from the range of their type, never by the single
picture, so that brightness means the same in all of them.

Pillow releases the interpreter lock while it decodes and resizes, so threads use every core, and an
error reaches the user as one line.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from attnbench.cores import available_cores
from attnbench.data.findings import (
    BROKEN,
    OTHER_MODE,
    OUT_OF_RANGE,
    TOO_LARGE,
    PictureError,
)
from attnbench.data.stored import PictureFile, num_bytes, opened

CHUNK = 64
"""Files per job of a thread: jobs of one small file would spend their time in queues."""

LONGEST = 4
"""Long sides are cut to so many short ones before resizing: a strip of pixels, enlarged whole,
would fill the memory, and the crop keeps the middle alone."""

OnProgress = Callable[[int, int], None]
"""Called with (images done, images in all)."""


def highest(mode: str) -> int | None:
    """The value that means white in a mode of over 8 bits a channel; None for other modes.

    "I" holds 16 bits in most files; floating-point pixels reach from 0 to 1 by convention.
    """
    return {"I": 65535, "F": 1}.get(mode.partition(";")[0])


def open_rgb(path: PictureFile, *, upright: bool = True) -> Image.Image:
    """Decode a file into an RGB image of Pillow; grey is replicated.

    Args:
        path: of the file, or a picture inside of one.
        upright: turn it as its orientation tag says.

    Raises:
        PictureError: the file is empty, corrupt, too large or not an image, or its values are
            outside the range of their type.
    """
    try:
        with opened(path) as file, Image.open(file) as image:
            image.load()
            turned = _upright(image) if upright else image
    except Exception as error:  # a decoder may raise anything on a corrupt file
        raise _refusal(path, error) from error
    if highest(turned.mode) is not None:
        turned = _eight_bits(path, turned)
    try:
        return _over_white(turned) if turned.has_transparency_data else turned.convert("RGB")
    except ValueError as error:
        raise PictureError(path, OTHER_MODE, f"mode {turned.mode}") from error


def silence_pillow() -> None:
    """Pillow warns of damage that it mends; what it cannot mend raises."""
    warnings.filterwarnings("ignore", module=r"PIL\.")


def _refusal(path: PictureFile, error: Exception) -> PictureError:
    if isinstance(error, Image.DecompressionBombError):
        return PictureError(path, TOO_LARGE, f"over {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels")
    try:
        with opened(path) as file:
            size: int | str = num_bytes(file)
    except Exception:  # noqa: BLE001 - what holds the picture may raise anything, too
        size = "no"
    return PictureError(path, BROKEN, f"{size} bytes that do not decode")


def _upright(image: Image.Image) -> Image.Image:
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except Exception:  # noqa: BLE001 - a damaged tag may raise anything, and turns nothing
        return image
    return image


def _eight_bits(path: PictureFile, image: Image.Image) -> Image.Image:
    """Grey of over 8 bits, scaled from the range of its type to 0-255."""
    values, top = np.asarray(image).astype(np.float64), highest(image.mode)
    assert top is not None
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= top):  # NaN is outside, too
        got = f"mode {image.mode} with values from {low:g} to {high:g}, where 0 to {top:,} is white"
        raise PictureError(path, OUT_OF_RANGE, got)
    return Image.fromarray((values * (255 / top)).round().astype(np.uint8))


def _over_white(image: Image.Image) -> Image.Image:
    """What shows through is white: hidden colours are nothing to learn from."""
    colours = image.convert("RGBA")
    white = Image.new("RGBA", colours.size, "white")
    return Image.alpha_composite(white, colours).convert("RGB")


def fit_square(images: Tensor, size: int) -> Tensor:
    """Resize the short side to `size`, then crop the centre: (…, 3, h, w) to (…, 3, size, size)."""
    height, width = images.shape[-2:]
    short = min(height, width)
    if max(height, width) > LONGEST * short:
        images = F.center_crop(images, [min(s, LONGEST * short) for s in (height, width)])
    if short != size:
        images = F.resize(images, [size], antialias=True)
    return F.center_crop(images, [size, size])


def read_square(path: PictureFile, size: int) -> Tensor:
    """One file as uint8 (3, size, size)."""
    return fit_square(F.pil_to_tensor(open_rgb(path)), size)


def read_squashed(path: PictureFile, size: tuple[int, int], *, upright: bool = True) -> Tensor:
    """One file as uint8 (3, height, width), its proportions changed to those of `size`."""
    image = F.pil_to_tensor(open_rgb(path, upright=upright))
    return F.resize(image, list(size), antialias=True)


def read_all(
    paths: Sequence[PictureFile], size: int, on_progress: OnProgress | None = None
) -> Tensor:
    """All files, in order, as one uint8 tensor (images, 3, size, size).

    `on_progress` is called in this thread after each chunk of files.
    """
    images = torch.empty(len(paths), 3, size, size, dtype=torch.uint8)

    def fill(row: int) -> None:
        images[row] = read_square(paths[row], size)

    in_threads(fill, len(paths), on_progress)
    return images


def in_threads(
    work: Callable[[int], None], count: int, on_progress: OnProgress | None = None
) -> None:
    """Call `work` with each row from 0 on, in threads; the first error ends it."""

    def chunk(start: int) -> int:
        stop = min(start + CHUNK, count)
        for row in range(start, stop):
            work(row)
        return stop

    silence_pillow()
    with ThreadPoolExecutor(available_cores()) as pool:
        try:
            for done in pool.map(chunk, range(0, count, CHUNK)):
                if on_progress:
                    on_progress(done, count)
        finally:
            pool.shutdown(cancel_futures=True)

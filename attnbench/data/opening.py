"""Open a data set by its registered name, or a folder of images."""

from __future__ import annotations

from pathlib import Path

from attnbench.data.decoding import OnProgress
from attnbench.data.folder import open_folder
from attnbench.data.images import ImageData
from attnbench.errors import UserError
from attnbench.registry import DATASETS

MIN_SIZE = 8
"""Side in pixels of the smallest images: that of the digits."""


def open_data(
    data: str,
    img_size: int | tuple[int, int] | None = None,
    *,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> ImageData:
    """Open a set of images.

    Args:
        data: a registered name, or a folder with `train/<class>/…` and `val/<class>/…`. A folder
            with a registered name is given as `./name`.
        img_size: side of the square images in pixels, or (side, side); None for the set's own.
        seed: of random data sets; the split of real ones never depends on it.
        on_progress: called with (images decoded, images in all) while files are read.

    Raises:
        UserError: no such set, a folder with another layout, a corrupt image, or a size that is
            below 8 or not square.
    """
    side = None if img_size is None else _side(img_size)
    if side is not None:
        _check_size(side)
    if data in DATASETS.names():
        opened: ImageData = DATASETS.load(data)(side, seed=seed, on_progress=on_progress)
    else:
        opened = open_folder(_folder(data), side, on_progress=on_progress)
    _check_size(min(opened.img_size))
    return opened


def _side(img_size: int | tuple[int, int]) -> int:
    height, width = (img_size, img_size) if isinstance(img_size, int) else img_size
    if height != width:
        raise UserError(f"labelled images are read as squares; got {height} × {width} pixels")
    return height


def _check_size(img_size: int) -> None:
    if img_size < MIN_SIZE:
        raise UserError(f"--img-size must be at least {MIN_SIZE}, got {img_size}")


def _folder(data: str) -> Path:
    """The folder that `data` names.

    Raises:
        UserError: there is none; for a bare name the nearest registered ones are named.
    """
    folder = Path(data).expanduser()
    if folder.is_dir():
        return folder
    if len(folder.parts) == 1:
        try:
            DATASETS.find(data)
        except UserError as error:
            raise UserError(f"{error}; nor is there a folder of that name") from None
    got = "a file" if folder.is_file() else "nothing there"
    raise UserError(f"--data {data}: expected a folder with train/ and val/, got {got}")

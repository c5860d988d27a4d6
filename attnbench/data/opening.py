"""Open a data set by its registered name, or a folder of images."""

from __future__ import annotations

import os
from pathlib import Path

from attnbench.data.decoding import OnProgress
from attnbench.data.folder import MIN_SIZE, open_folder
from attnbench.data.images import ImageData
from attnbench.data.names import readable
from attnbench.errors import UserError
from attnbench.registry import DATASETS

LONGEST_ECHO = 80
"""Characters of a name that a message repeats."""


def open_data(
    data: str,
    img_size: int | tuple[int, int] | None = None,
    *,
    seed: int = 0,
    train: bool = True,
    on_progress: OnProgress | None = None,
) -> ImageData:
    """Open a set of images.

    Args:
        data: a registered name, or a folder with `train/<class>/…` and `val/<class>/…`. A folder
            with a registered name is given as `./name`.
        img_size: side of the square images in pixels, or (side, side); None for the set's own.
        seed: of random data sets; the split of real ones never depends on it.
        train: False reads only the held-out images of a folder.
        on_progress: called with (images done, images in all) while files are read.

    Raises:
        UserError: no such set, a folder with another layout, a corrupt image, or a size that is
            below 8 or not square.
    """
    side = None if img_size is None else _side(img_size)
    if side is not None:
        _check_size(side)
    if data in DATASETS.names():
        opened: ImageData = DATASETS.load(data)(side, seed=seed, on_progress=on_progress)
        _check_size(opened.img_size)
        return opened
    return open_folder(find_folder(data), side, train=train, on_progress=on_progress)


def _side(img_size: int | tuple[int, int]) -> int:
    height, width = (img_size, img_size) if isinstance(img_size, int) else img_size
    if height != width:
        raise UserError(f"labelled images are read as squares; got {height} × {width} pixels")
    return height


def _check_size(img_size: int) -> None:
    if img_size < MIN_SIZE:
        raise UserError(f"--img-size must be at least {MIN_SIZE}, got {img_size}")


def find_folder(data: str) -> Path:
    """The folder that `data` names.

    Raises:
        UserError: there is none; for a bare name the nearest registered ones are named.
    """
    folder = Path(os.path.expanduser(data))
    if os.path.isdir(folder):  # unlike Path.is_dir, it answers for names that no system takes
        return folder
    shown = readable(data)
    if len(shown) > LONGEST_ECHO:
        shown = f"{shown[:LONGEST_ECHO]}… ({len(shown):,} characters)"
    elif len(folder.parts) == 1:
        try:
            DATASETS.find(data)
        except UserError as error:
            raise UserError(f"{error}; nor is there a folder of that name") from None
    got = "a file" if os.path.isfile(folder) else "nothing there"
    raise UserError(f"--data {shown}: expected a folder with train/ and val/, got {got}")

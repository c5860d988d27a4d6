"""One door to every set: a registered name, or else a folder."""

from __future__ import annotations

from pathlib import Path

from attnbench.data.decoding import OnProgress
from attnbench.data.folder import open_folder
from attnbench.data.images import ImageData
from attnbench.errors import UserError
from attnbench.registry import DATASETS

MIN_SIZE = 8
"""Smaller images are none that vision transformers are used on; digits have this size."""


def open_data(
    data: str, img_size: int | None = None, *, seed: int = 0, on_progress: OnProgress | None = None
) -> ImageData:
    """Open a set of images.

    Args:
        data: a registered name, or a folder with `train/<class>/…` and `val/<class>/…`. A folder
            that bears a registered name is reached as `./name`.
        img_size: side of the square images in pixels; None for the set's own.
        seed: of sets that are made at random; the split of real ones never depends on it.
        on_progress: called with (images decoded, images in all) while files are read.

    Raises:
        UserError: no such set, a folder laid out otherwise, a corrupt image or a size below 8.
    """
    if img_size is not None:
        _check_size(img_size)
    if data in DATASETS.names():
        opened: ImageData = DATASETS.load(data)(img_size, seed=seed, on_progress=on_progress)
    else:
        opened = open_folder(_folder(data), img_size, on_progress=on_progress)
    _check_size(opened.img_size)
    return opened


def _check_size(img_size: int) -> None:
    if img_size < MIN_SIZE:
        raise UserError(f"--img-size must be at least {MIN_SIZE}, got {img_size}")


def _folder(data: str) -> Path:
    """The folder meant by `data`.

    Raises:
        UserError: there is none; a bare name is answered with the nearest registered ones.
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

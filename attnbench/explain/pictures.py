"""The pictures to explain: files, folders of files, or a data set, perhaps with boxes."""

from __future__ import annotations

import inspect
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from attnbench.data.decoding import read_square, silence_pillow
from attnbench.data.layouts.found import Reading
from attnbench.data.layouts.looking import LAYOUTS, layout_of
from attnbench.data.names import readable
from attnbench.data.opening import find_folder, open_data
from attnbench.data.readers.opening import reader_of
from attnbench.data.targets import LabelMap, Objects
from attnbench.data.walking import is_picture
from attnbench.errors import UserError
from attnbench.files.reading import SHOWN, shown
from attnbench.registry import DATASETS
from attnbench.spec import Grid

MOST = 1000
"""Pictures that are read; more would not make the intervals of the numbers much smaller."""
BATCH = 16
BY_USE = ("detection", "segmentation")
"""Labels of folders: with boxes there are numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Pictures at the size that a model takes."""

    names: tuple[str, ...]
    pixels: Tensor
    """uint8 (pictures, 3, height, width)."""
    objects: tuple[Objects, ...] = ()
    """Of each picture, in its pixels here; () if the data have no boxes."""
    class_names: tuple[str, ...] = ()
    """Of the objects."""


def read_pictures(given: Sequence[str], img_size: Grid, reading: Reading | None = None) -> Pictures:
    """Read pictures at (height, width) pixels.

    Args:
        given: files and folders; or one data set, of which the held-out pictures are taken. Files
            are cut to their middle square, pictures with boxes are squashed.
        img_size: as the model was trained.
        reading: how the files of a data set are read.

    Raises:
        UserError: there is nothing, or what is there cannot be read.
    """
    data = _data_in(given)
    if data is not None:
        return _from_data(data, img_size, reading)
    files = [file for one in given for file in _files(one)][:MOST]
    if img_size[0] != img_size[1]:
        raise UserError(
            f"files are read as squares, and the model takes {img_size[0]} × {img_size[1]} px; "
            "give a data set"
        )
    silence_pillow()
    return Pictures(
        names=tuple(str(file) for file in files),
        pixels=torch.stack([read_square(file, img_size[0]) for file in files]),
    )


def _data_in(given: Sequence[str]) -> str | None:
    """The data set among what was given: a registered name, shards, or a folder with boxes."""
    found = [one for one in given if _is_named(one) or _labelled_for(one)]
    if found and len(given) > 1:
        raise UserError(
            f"expected files and folders of pictures, or one data set, got {found[0]} and "
            f"{len(given) - 1} more; give the data set alone"
        )
    return found[0] if found else None


def _is_named(given: str) -> bool:
    return given in DATASETS.names() or reader_of(given) is not None


def _labelled_for(given: str) -> str | None:
    """The task of a folder's labels: boxes are preferred to masks; None if it has neither.

    Raises:
        UserError: nothing is there.
    """
    if os.path.isfile(os.path.expanduser(given)):
        return None
    try:
        folder, name = find_folder(given)
    except UserError:
        raise UserError(
            f"{readable(given)[:SHOWN]}: expected a picture, a folder of pictures or a data set, "
            "got nothing there"
        ) from None
    if name is not None:
        named = layout_of(folder, name)
        return named.task if named is not None else None
    found = [layout.task for find in LAYOUTS.values() if (layout := find(folder)) is not None]
    return next((task for task in BY_USE if task in found), None)


def _from_data(data: str, img_size: Grid, reading: Reading | None) -> Pictures:
    opened = open_data(data, img_size, _task_of(data), train=False, settings=reading)
    pixels: list[Tensor] = []
    objects: list[Objects] = []
    names: list[str] = []
    for batch, targets in opened.val.batches(BATCH, seed=None, device="cpu"):
        pixels.append(batch)
        objects += [one for one in targets if isinstance(one, Objects)]
        names += [one.picture for one in targets if isinstance(one, (Objects, LabelMap))]
        if sum(map(len, pixels)) >= MOST:
            break
    numbers = [str(place) for place in range(sum(map(len, pixels)))]
    return Pictures(
        names=tuple((names or numbers)[:MOST]),
        pixels=torch.cat(pixels)[:MOST],
        objects=tuple(objects[:MOST]),
        class_names=opened.class_names if objects else (),
    )


def _task_of(data: str) -> str | None:
    """Of a registered set with several kinds of labels, the boxes."""
    if not _is_named(data):
        return _labelled_for(data)
    if data not in DATASETS.names():
        return None
    several = "task" in inspect.signature(DATASETS.load(data)).parameters
    return "detection" if several else None


def _files(given: str) -> list[Path]:
    """The files of one argument."""
    path = Path(os.path.expanduser(given))
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.rglob("*") if _is_picture(file))
    if not found:
        raise UserError(f"{shown(path)}: expected pictures, got a folder without any")
    return found


def _is_picture(file: Path) -> bool:
    return is_picture(file.name) and not file.name.startswith(".")

"""Open a data set by its registered name, through a reader, or a folder in whatever layout."""

from __future__ import annotations

import inspect
import os
from pathlib import Path

from attnbench.data.classified import MIN_SIZE
from attnbench.data.decoding import OnProgress
from attnbench.data.folder import open_folder
from attnbench.data.images import ImageData
from attnbench.data.labelled_folder import open_labelled
from attnbench.data.layouts.found import Reading
from attnbench.data.layouts.looking import CLASSES, LAYOUTS, layout_of
from attnbench.data.names import readable
from attnbench.data.readers.content import Reader
from attnbench.data.readers.opening import open_reader, reader_of
from attnbench.errors import UserError
from attnbench.registry import DATASETS

LONGEST_ECHO = 80
"""Characters of a name that a message repeats."""


def open_data(
    data: str,
    img_size: int | tuple[int, int] | None = None,
    task: str | None = None,
    *,
    seed: int = 0,
    train: bool = True,
    held_out: str | None = None,
    settings: Reading | None = None,
    on_progress: OnProgress | None = None,
) -> ImageData:
    """Open a set of images; the task is found from the data.

    Args:
        data: a registered name, or a folder: of classes (`train/<class>/…` and `val/<class>/…`),
            or with labels in a layout of `data.layouts`. A folder with a registered name is given
            as `./name`; where several layouts are found, `coco:FOLDER` and the like choose one.
            Or what a reader of `data.readers` finds: tar shards, `hf:NAME`.
        img_size: side, or (height, width), in pixels; images for classification are squares. None
            for the set's own.
        task: the only one whose labels are looked for; None for any.
        seed: of random data sets; the split of real ones never depends on it.
        train: False reads only the held-out images of a folder.
        held_out: the split of a labelled folder that is held out, "val" or "test"; None for the
            first of these that there is.
        settings: how the files of a folder are read.
        on_progress: called with (images done, images in all) while files are read.

    Raises:
        UserError: no such set, a folder with another layout or task, a corrupt image, or a size
            that is below 8 or of another form.
    """
    settings = settings or Reading()
    if img_size is not None:
        _check_size(img_size if isinstance(img_size, int) else min(img_size))
    if data in DATASETS.names():
        _refuse_split(data, held_out)
        opened = _open_named(data, img_size, task, seed, on_progress)
    elif (reader := classes_in(data, task)) is not None:
        opened = open_reader(
            reader, _side(img_size), train=train, held_out=held_out, settings=settings,
            on_progress=on_progress,
        )  # fmt: skip
    else:
        folder, name = find_folder(data)
        layout = layout_of(folder, name, task)
        if layout is None:
            _refuse_split(data, held_out)
            opened = open_folder(
                folder, _side(img_size), train=train, settings=settings, on_progress=on_progress
            )
        else:
            opened = open_labelled(
                folder, layout, img_size, train=train, held_out=held_out, settings=settings,
                on_progress=on_progress,
            )  # fmt: skip
    _check_size(min(opened.img_size))
    return opened


def classes_in(data: str, task: str | None = None) -> Reader | None:
    """What reads the pictures of classes that `data` names; None if it is of another kind.

    Raises:
        UserError: labels of another task are asked for, or a pattern names what is not there.
    """
    reader = reader_of(data)
    if reader is not None and task not in (None, "classification"):
        raise UserError(
            f"--data {readable(data)[:LONGEST_ECHO]}: expected labels for {task}, got pictures of "
            "classes; choose another set"
        )
    return reader


def _refuse_split(data: str, held_out: str | None) -> None:
    if held_out not in (None, "val"):
        raise UserError(
            f"--data {readable(data)[:LONGEST_ECHO]}: expected the part {held_out}, got a set of "
            "train and val alone; leave out --split"
        )


def _open_named(
    data: str,
    img_size: int | tuple[int, int] | None,
    task: str | None,
    seed: int,
    on_progress: OnProgress | None,
) -> ImageData:
    """A registered set; those with several kinds of labels are asked for those of the task."""
    opener = DATASETS.load(data)
    opened: ImageData
    if "task" in inspect.signature(opener).parameters:
        opened = opener(img_size, task=task, seed=seed, on_progress=on_progress)
    else:
        opened = opener(_side(img_size), seed=seed, on_progress=on_progress)
    if task not in (None, opened.task):
        raise UserError(
            f"--data {data}: expected labels for {task}, got those for {opened.task}; choose "
            "another set, `attnbench list datasets`"
        )
    return opened


def _side(img_size: int | tuple[int, int] | None) -> int | None:
    if img_size is None or isinstance(img_size, int):
        return img_size
    height, width = img_size
    if height != width:
        raise UserError(f"labelled images are read as squares; got {height} × {width} pixels")
    return height


def _check_size(img_size: int) -> None:
    if img_size < MIN_SIZE:
        raise UserError(f"--img-size must be at least {MIN_SIZE}, got {img_size}")


def is_here(data: str) -> bool:
    """Whether `data` names a registered set, one that a reader finds, or a folder that exists."""
    if data in DATASETS.names():
        return True
    try:
        if reader_of(data) is None:
            find_folder(data)
    except UserError:
        return False
    return True


def find_folder(data: str) -> tuple[Path, str | None]:
    """The folder that `data` names, and the layout that it names before a colon.

    Raises:
        UserError: there is no such folder; for a bare name the nearest registered ones are named.
    """
    folder = Path(os.path.expanduser(data))
    if os.path.isdir(folder):  # unlike Path.is_dir, it answers for names that no system takes
        return folder, None
    name, _, rest = data.partition(":")
    if name in (CLASSES, *LAYOUTS) and os.path.isdir(os.path.expanduser(rest)):
        return Path(os.path.expanduser(rest)), name
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

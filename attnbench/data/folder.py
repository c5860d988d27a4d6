"""Read a folder with `train/` and `val/`, each with one subfolder of images per class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from statistics import median_low

import torch
from torch import Tensor

from attnbench.data import images as image_sets
from attnbench.data.class_folders import SPLITS, ClassFolders, look_at
from attnbench.data.decoding import OnProgress, read_all
from attnbench.data.findings import Findings, refuse
from attnbench.data.images import ImageData, ImageSet, ImagesInMemory, ImagesOnDisk
from attnbench.data.layouts.found import Reading
from attnbench.data.names import readable

MAX_DEFAULT_SIZE = 224
"""Largest default size: the usual one on ImageNet."""
MIN_SIZE = 8
"""Side in pixels of the smallest images: that of the digits."""

Files = tuple[list[Path], Tensor]
"""Image files and their labels, int64 (images,)."""


def open_folder(
    folder: Path,
    img_size: int | None = None,
    *,
    train: bool = True,
    settings: Reading | None = None,
    on_progress: OnProgress | None = None,
) -> ImageData:
    """The images below `folder`, in memory if they fit `MEMORY_LIMIT_BYTES`.

    Args:
        folder: holds `train/<class>/…` and `val/<class>/…`.
        img_size: side in pixels; by default the short side of the middle training image by size,
            at least 8 and at most 224.
        train: False reads `val/` alone; the classes are those found there.
        settings: whether repairs are refused, and broken files left out.
        on_progress: called with (images done, images in all), first while headers are read, then
            while a set is read into memory.

    Raises:
        UserError: the folder has another layout, or an image does not decode.
    """
    settings = settings or Reading()
    findings = Findings(folder, strict=settings.strict, skip_broken=settings.skip_broken)
    found = look_at(folder, findings, splits=SPLITS if train else ("val",), on_progress=on_progress)
    refuse(folder, findings.all())
    size = img_size or default_size(found)
    sets = _sets([_files(found, split) for split in SPLITS], size, on_progress)
    return ImageData(
        name=readable(folder.resolve().name),
        train=sets[0],
        val=sets[1],
        class_names=found.class_names,
        img_size=(size, size),
        photographs=True,
        findings=findings.all(),
    )


def default_size(found: ClassFolders) -> int:
    """Side in pixels of the images of a folder: that of the middle one by size."""
    first = next(iter(found.headers.values()))
    sides = [min(header.size) for headers in first.values() for header in headers]
    return min(max(median_low(sides), MIN_SIZE), MAX_DEFAULT_SIZE)


def _files(found: ClassFolders, split: str) -> Files:
    """The image files of a split, class by class, with their labels."""
    headers = found.headers.get(split, {})
    labelled = [
        (header.path, label)
        for label, name in enumerate(found.class_names)
        for header in headers.get(name, ())
    ]
    labels = torch.tensor([label for _, label in labelled], dtype=torch.int64)
    return [path for path, _ in labelled], labels


def _sets(splits: Sequence[Files], size: int, on_progress: OnProgress | None) -> list[ImageSet]:
    """One set for each split, all in memory or all on disk."""
    num_images = sum(len(files) for files, _ in splits)
    if num_images * 3 * size * size > image_sets.MEMORY_LIMIT_BYTES:
        return [ImagesOnDisk(files, labels, size, names_of(files)) for files, labels in splits]
    every = read_all([file for files, _ in splits for file in files], size, on_progress)
    parts = every.split([len(files) for files, _ in splits])
    return [
        ImagesInMemory(part, labels, names_of(files))
        for part, (files, labels) in zip(parts, splits, strict=True)
    ]


def names_of(files: Sequence[Path]) -> list[str]:
    """The names of images: their paths below the folder that holds all of them."""
    above = os.path.commonpath([file.parent.parent for file in files]) if files else ""
    return [readable(str(file.relative_to(above))) for file in files]

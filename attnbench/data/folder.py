"""Read a folder with `train/` and `val/`, each with one subfolder of images per class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torchvision.datasets.folder import IMG_EXTENSIONS

from attnbench.data import images as image_sets
from attnbench.data.decoding import OnProgress, open_rgb, read_all
from attnbench.data.images import ImageData, ImageSet, ImagesInMemory, ImagesOnDisk
from attnbench.errors import UserError

MAX_DEFAULT_SIZE = 224
"""Largest default size: the usual one on ImageNet."""

Files = tuple[list[Path], Tensor]
"""Image files and their labels, int64 (images,)."""


def open_folder(
    folder: Path, img_size: int | None = None, *, on_progress: OnProgress | None = None
) -> ImageData:
    """The images below `folder`, in memory if they fit `MEMORY_LIMIT_BYTES`.

    Args:
        folder: holds `train/<class>/…` and `val/<class>/…`.
        img_size: side in pixels; by default the short side of the first image, at most 224.
        on_progress: called with (images decoded, images in all) while a set is read into memory.

    Raises:
        UserError: the folder has another layout, or an image does not decode.
    """
    class_names = _classes(folder)
    train, val = (_files(folder / split, class_names) for split in ("train", "val"))
    size = img_size or min(*open_rgb(train[0][0]).size, MAX_DEFAULT_SIZE)
    sets = _sets([train, val], size, on_progress)
    return ImageData(
        name=folder.resolve().name,
        train=sets[0],
        val=sets[1],
        class_names=class_names,
        img_size=(size, size),
        photographs=True,
    )


def _classes(folder: Path) -> tuple[str, ...]:
    """Class names in the order of their labels; both splits must have the same."""
    for split in ("train", "val"):
        if not (folder / split).is_dir():
            raise UserError(
                f"{folder}: expected the folders train/ and val/ in it, each with one folder of "
                f"images for each class; got no {split}/"
            )
    train, val = (_subfolders(folder / split) for split in ("train", "val"))
    if len(train) < 2:
        raise UserError(
            f"{folder / 'train'}: expected at least 2 classes, one folder of images each; "
            f"got {len(train)}"
        )
    if train != val:
        raise UserError(
            f"{folder}: expected the same classes in train/ and val/; "
            f"only in train/: {_some(set(train) - set(val))}; "
            f"only in val/: {_some(set(val) - set(train))}; make them agree"
        )
    return tuple(train)


def _subfolders(folder: Path) -> list[str]:
    """Visible subfolders by name: editors and file managers leave hidden ones behind."""
    return sorted(p.name for p in folder.iterdir() if p.is_dir() and p.name[0] != ".")


def _some(names: set[str]) -> str:
    shown = ", ".join(sorted(names)[:3]) or "none"
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def _files(split: Path, class_names: Sequence[str]) -> Files:
    """The image files of every class, sorted, with their labels."""
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(class_names):
        found = _image_files(split / name)
        if not found:
            kinds = " ".join(IMG_EXTENSIONS)
            raise UserError(f"{split / name}: expected images ({kinds}), got none; add some")
        files += found
        labels += [label] * len(found)
    return files, torch.tensor(labels)


def _image_files(folder: Path) -> list[Path]:
    """Image files in a class folder and its subfolders, as in torchvision's `ImageFolder`."""
    return sorted(
        Path(parent, name)
        for parent, _, names in os.walk(folder, followlinks=True)
        for name in names
        if name.lower().endswith(IMG_EXTENSIONS) and name[0] != "."
    )


def _sets(splits: Sequence[Files], size: int, on_progress: OnProgress | None) -> list[ImageSet]:
    """One set for each split, all in memory or all on disk."""
    num_images = sum(len(files) for files, _ in splits)
    if num_images * 3 * size * size > image_sets.MEMORY_LIMIT_BYTES:
        return [ImagesOnDisk(files, labels, size) for files, labels in splits]
    every = read_all([file for files, _ in splits for file in files], size, on_progress)
    parts = every.split([len(files) for files, _ in splits])
    return [ImagesInMemory(part, labels) for part, (_, labels) in zip(parts, splits, strict=True)]

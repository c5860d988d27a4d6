"""Pictures of classes, whatever they are read from: looked at, then made into sets of images."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low

import torch

from attnbench.data import images as image_sets
from attnbench.data.decoding import OnProgress, read_all
from attnbench.data.findings import Findings
from attnbench.data.headers import Header, read_headers
from attnbench.data.images import ImageData, ImageSet, ImagesInMemory, ImagesOnDisk
from attnbench.data.names import readable
from attnbench.data.stored import PictureFile
from attnbench.errors import UserError

MAX_DEFAULT_SIZE = 224
"""Largest default size: the usual one on ImageNet."""
MIN_SIZE = 8
"""Side in pixels of the smallest images: that of the digits."""

Labelled = tuple[PictureFile, int]
"""A picture, and its label: the place of its class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """Pictures of classes that were looked at."""

    class_names: tuple[str, ...]
    """In the order of their labels."""
    splits: Mapping[str, Sequence[tuple[Header, int]]]
    """By split: each picture and its label."""

    def of_class(self, split: str, name: str) -> list[Header]:
        """The pictures of a class."""
        label = self.class_names.index(name)
        return [header for header, own in self.splits[split] if own == label]


def look_at(
    class_names: tuple[str, ...],
    splits: Mapping[str, Sequence[Labelled]],
    findings: Findings,
    on_progress: OnProgress | None = None,
) -> Classified:
    """Read the headers of all pictures; those that are to be left out are.

    Args:
        class_names: in the order of the labels.
        splits: the pictures of each.
        findings: takes what was found in the files.
        on_progress: called with (headers read, headers in all).
    """
    files = [file for pictures in splits.values() for file, _ in pictures]
    headers = iter(read_headers(files, findings, on_progress))
    kept = dict[str, list[tuple[Header, int]]]()
    for split, pictures in splits.items():
        labelled = [(next(headers), label) for _, label in pictures]
        kept[split] = [one for one in labelled if not findings.skips(one[0].kinds)]
    return Classified(class_names=class_names, splits=kept)


def image_data(
    found: Classified,
    name: str,
    findings: Findings,
    img_size: int | None = None,
    *,
    held_out: str = "val",
    photographs: bool = True,
    on_progress: OnProgress | None = None,
) -> ImageData:
    """The pictures as sets of images, in memory if they fit `MEMORY_LIMIT_BYTES`.

    Args:
        found: the pictures; without those of "train" the set to train on is empty.
        name: of the data set.
        findings: what was found in them.
        img_size: side in pixels; None for `default_size`.
        held_out: the split that is held out.
        photographs: whether a mirrored picture keeps its class.
        on_progress: called with (images read, images in all) while they are read into memory.

    Raises:
        UserError: a picture does not decode, or all of a split were left out.
    """
    for split, pictures in found.splits.items():
        if not pictures:
            raise UserError(f"{name}: expected pictures for {split} that can be read, got none")
    size = img_size or default_size(found)
    train, val = _sets(
        [found.splits.get(one, ()) for one in ("train", held_out)], size, on_progress
    )
    return ImageData(
        name=name,
        train=train,
        val=val,
        class_names=found.class_names,
        img_size=(size, size),
        photographs=photographs,
        findings=findings.all(),
        held_out=held_out,
    )


def default_size(found: Classified) -> int:
    """Side in pixels of the images: the short side of the middle one by size of the first split.

    It is at least 8 and at most 224.
    """
    sides = [min(header.size) for header, _ in next(iter(found.splits.values()))]
    return min(max(median_low(sides), MIN_SIZE), MAX_DEFAULT_SIZE)


def _sets(
    splits: Sequence[Sequence[tuple[Header, int]]], size: int, on_progress: OnProgress | None
) -> Iterator[ImageSet]:
    """One set for each split, all in memory or all on disk."""
    files = [[header.path for header, _ in pictures] for pictures in splits]
    labels = [
        torch.tensor([label for _, label in pictures], dtype=torch.int64) for pictures in splits
    ]
    num_images = sum(map(len, files))
    if num_images * 3 * size * size > image_sets.MEMORY_LIMIT_BYTES:
        for paths, own in zip(files, labels, strict=True):
            yield ImagesOnDisk(paths, own, size, names_of(paths))
        return
    every = read_all([file for paths in files for file in paths], size, on_progress)
    parts = every.split([len(paths) for paths in files])
    for part, paths, own in zip(parts, files, labels, strict=True):
        yield ImagesInMemory(part, own, names_of(paths))


def names_of(files: Sequence[PictureFile]) -> list[str]:
    """The names of images: their paths below the folder that holds all of them."""
    folders = [file.parent.parent for file in files if isinstance(file, Path)]
    above = os.path.commonpath(folders) if folders else ""
    return [
        readable(str(file.relative_to(above) if isinstance(file, Path) else file)) for file in files
    ]

"""Open a folder of pictures with boxes or masks, in whatever layout it was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median_low
from typing import Protocol

import torch
from torch import Tensor

from attnbench.data import images as image_sets
from attnbench.data.decoding import OnProgress, in_threads, read_squashed
from attnbench.data.findings import Findings, Kind, refuse
from attnbench.data.images import ImageData, ImageSet
from attnbench.data.labelled_images import LabelledInMemory, LabelledOnDisk
from attnbench.data.layouts.found import Found, Labelled, Layout, Reading
from attnbench.data.layouts.mask_files import read_labels
from attnbench.data.names import readable, some
from attnbench.data.targets import LabelMap, Objects, Target
from attnbench.errors import UserError

SHORT_SIDE = {"detection": 320, "segmentation": 192}
"""Of images by default, in pixels, if the pictures are not smaller."""
STEP = 32
"""Sides of images are multiples of it by default: the coarsest stride of the usual models."""

TEST_AS_VAL = Kind("no pictures for validation", "counted", "those for test are held out")

Size = tuple[int, int]


def open_labelled(
    folder: Path,
    layout: Layout,
    img_size: int | Size | None = None,
    *,
    train: bool = True,
    held_out: str | None = None,
    settings: Reading | None = None,
    on_progress: OnProgress | None = None,
) -> ImageData:
    """The pictures of a folder with their targets, in memory if they fit `MEMORY_LIMIT_BYTES`.

    Args:
        folder: of the data set.
        layout: of the folder.
        img_size: side, or (height, width), in pixels; pictures are squashed to it. By default see
            `default_size`.
        train: False reads the held-out pictures alone.
        held_out: the split that is held out; None for "val", or "test" where there is no other.
        settings: how labels are read.
        on_progress: called with (pictures done, pictures in all), several times from the start.

    Raises:
        UserError: the labels cannot be used, or a split is missing or empty.
    """
    settings = settings or Reading()
    findings = Findings(folder, strict=settings.strict, skip_broken=settings.skip_broken)
    splits = chosen_splits(folder, layout, findings, train=train, held_out=held_out)
    found = layout.read(splits, findings, settings, on_progress)
    refuse(folder, findings.all())
    for split in splits:
        if not found.splits[split]:
            raise UserError(f"{readable(str(folder))}: expected pictures for {split}, got none")
    size = (img_size, img_size) if isinstance(img_size, int) else img_size
    size = size or default_size(found, layout.task)
    sets = _sets(found, splits, size, on_progress, train=train)
    return ImageData(
        name=readable(folder.resolve().name),
        train=sets[0] if train else LabelledInMemory(torch.empty(0, 3, *size).byte(), []),
        val=sets[-1],
        class_names=found.class_names,
        img_size=size,
        photographs=True,
        task=layout.task,
        findings=findings.all(),
        held_out=splits[-1],
        numbers=found.numbers,
    )


class HasParts(Protocol):
    """What a data set says of its parts; see `Layout` and `Reader`."""

    @property
    def text(self) -> str:
        """What was taken, for the user."""
        ...

    @property
    def splits(self) -> Sequence[str]:
        """Those of "train", "val" and "test" that there are."""
        ...


def chosen_splits(
    folder: Path,
    layout: HasParts,
    findings: Findings,
    *,
    train: bool = True,
    held_out: str | None = None,
) -> list[str]:
    """The splits to read, the held-out one last.

    Raises:
        UserError: one of them is missing.
    """
    there = list(layout.splits)
    last = held_out or ("test" if "test" in there and "val" not in there else "val")
    wanted = ["train", last] if train else [last]
    missing = [split for split in wanted if split not in there]
    if missing:
        raise UserError(
            f"{readable(str(folder))}: expected labels for {' and '.join(wanted)}, got "
            f"{some(there)} ({layout.text.partition(':')[0]}); name the parts so, and hold some "
            "pictures out"
        )
    if last == "test" and held_out is None:
        findings.add_name(TEST_AS_VAL, "test")
    return wanted


def default_size(found: Found, task: str) -> Size:
    """(height, width) of the images: that of the middle picture, as long as it is not too large.

    Images for boxes are squares. Sides are multiples of `STEP`.
    """
    sizes = [one.size for one in next(iter(found.splits.values()))]
    height, width = (median_low(sides) for sides in zip(*sizes, strict=True))
    short = min(height, width, SHORT_SIDE[task])
    if task == "detection":
        height = width = short
    scale = short / min(height, width)
    return _stepped(height * scale), _stepped(width * scale)


def _stepped(side: float) -> int:
    return max(STEP, STEP * round(side / STEP))


def _sets(
    found: Found,
    splits: Sequence[str],
    size: Size,
    on_progress: OnProgress | None,
    *,
    train: bool,
) -> list[ImageSet]:
    """A set for each split; in training masks are read at the size of the images."""
    readers = [
        _Reader(found, found.splits[split], size, at_size=train and split == "train")
        for split in splits
    ]
    if sum(reader.bytes for reader in readers) > image_sets.MEMORY_LIMIT_BYTES:
        return [LabelledOnDisk(len(reader), reader) for reader in readers]
    return [reader.all(on_progress) for reader in readers]


class _Reader:
    """Decodes pictures and makes their targets."""

    def __init__(
        self, found: Found, pictures: Sequence[Labelled], size: Size, *, at_size: bool
    ) -> None:
        self.masks = found.masks
        self.pictures = pictures
        self.size = size
        self.at_size = at_size

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def bytes(self) -> int:
        """Of all images and label maps, decoded."""
        height, width = self.size
        whole = 0 if self.at_size else sum(one.size[0] * one.size[1] for one in self.pictures)
        return len(self) * 4 * height * width + (whole if self.masks else 0)

    def __call__(self, row: int) -> tuple[Tensor, Target]:
        """The image, uint8 (3, height, width), and the target of a picture."""
        one = self.pictures[row]
        image = read_squashed(one.header.path, self.size, upright=one.upright)
        if one.objects is not None:
            return image, squashed(one.objects, self.size)
        assert one.mask is not None
        assert self.masks is not None
        labels = read_labels(
            one.mask, self.masks.values, self.masks.colours, self.size if self.at_size else None
        )
        return image, LabelMap(picture=one.name, labels=labels)

    def all(self, on_progress: OnProgress | None) -> LabelledInMemory:
        """All pictures, read by threads."""
        images = torch.empty(len(self), 3, *self.size, dtype=torch.uint8)
        targets: dict[int, Target] = {}

        def read(row: int) -> None:
            images[row], targets[row] = self(row)

        in_threads(read, len(self), on_progress)
        return LabelledInMemory(images, [targets[row] for row in range(len(self))])


def squashed(objects: Objects, size: Size) -> Objects:
    """Objects of a picture that is squashed to `size`, (height, width)."""
    down, across = (new / old for new, old in zip(size, objects.size, strict=True))
    scales = torch.tensor([across, down, across, down])
    return replace(objects, boxes=objects.boxes * scales, seen=size, exact=objects.boxes)

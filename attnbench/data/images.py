"""Sets of images with targets behind one interface: batches of uint8 tensors on the device.

A set that fits `MEMORY_LIMIT_BYTES` is decoded once and held in memory. A larger one is decoded
from disk during training, a few batches ahead of the model.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil
from typing import Any, Protocol, TypeVar

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2.functional import to_pil_image

from attnbench.cores import available_cores
from attnbench.data.decoding import open_rgb, read_square, silence_pillow
from attnbench.data.findings import Finding
from attnbench.data.stored import PictureFile
from attnbench.data.targets import Numbers

MEMORY_LIMIT_BYTES = 2 * 2**30
"""Limit of the decoded size, training and held-out images together, for a set held in memory."""

BATCHES_AHEAD = 2
"""Batches that are prepared while the model works."""

Value = TypeVar("Value")

Batch = tuple[Tensor, Any]
"""Images, uint8 (batch, 3, height, width), and targets as the task wants them: int64 labels of
shape (batch,) for classification, a list of `Objects` for detection, a list of `LabelMap` for
segmentation."""
RowShare = Callable[[Tensor], Tensor]
"""Some of the rows of a batch, int64, in their order."""


class ImageSet(Protocol):
    """The interface of a set of images, for training and evaluation."""

    def __len__(self) -> int:
        """Number of images."""
        ...

    def batches(
        self, batch_size: int, *, seed: int | None, device: torch.device | str, first: int = 0
    ) -> Iterator[Batch]:
        """Every image once, in `num_batches` batches; the last may be smaller, or larger by one.

        Args:
            batch_size: images a batch.
            seed: None keeps the order of the set; a seed shuffles, the same way on every device.
            device: where to put the batches.
            first: batches to leave out at the start; they are not read.

        A set may also take `share`, a `RowShare`: of each batch it then gives those rows alone.
        Several processes that train together so read each image once.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageData:
    """A set of images with the targets of one task, split into training and held-out images."""

    name: str
    train: ImageSet
    val: ImageSet
    class_names: tuple[str, ...]
    img_size: tuple[int, int]
    """(height, width) in pixels, as the model sees them."""
    photographs: bool
    """Whether a mirrored image keeps its class: photographs do, digits do not."""
    task: str = "classification"
    """The task that the targets belong to."""
    findings: tuple[Finding, ...] = ()
    """What a user may not expect in the files; none is refused."""
    held_out: str = "val"
    """The part of the data set that `val` is."""
    numbers: Numbers | None = None
    """Of the held-out pictures and the classes, where a COCO file gives them."""

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)


class ImagesInMemory:
    """Decoded images in one tensor."""

    def __init__(self, images: Tensor, labels: Tensor, names: Sequence[str] = ()) -> None:
        """Keep uint8 `images` (images, 3, height, width), int64 `labels` (images,), and names.

        Images without names are known by their places.
        """
        assert images.dtype == torch.uint8
        assert images.shape[:2] == (len(labels), 3)
        assert labels.dtype == torch.int64
        self.images = images
        self.labels = labels
        self.names = names

    def __len__(self) -> int:
        return len(self.labels)

    def picture(self, row: int, *, whole: bool) -> Image.Image:
        """One image; what was cut off when it was read is not here."""
        return Image.fromarray(self.images[row].permute(1, 2, 0).numpy())

    def batches(
        self,
        batch_size: int,
        *,
        seed: int | None,
        device: torch.device | str,
        first: int = 0,
        share: RowShare | None = None,
    ) -> Iterator[Batch]:
        """See `ImageSet.batches`."""
        for rows in shared(batches_of(len(self), batch_size, seed)[first:], share):
            yield self.images[rows].to(device), self.labels[rows].to(device)


class ImagesOnDisk:
    """Image files, decoded by threads a few batches ahead.

    Threads instead of the processes of a `DataLoader`: decoding releases the interpreter lock,
    nothing is pickled, and a corrupt file is reported in one line.
    """

    def __init__(
        self,
        paths: Sequence[PictureFile],
        labels: Tensor,
        img_size: int,
        names: Sequence[str] = (),
    ) -> None:
        """Keep the files, their int64 labels (images,), the side in pixels, and their names."""
        assert labels.dtype == torch.int64
        assert labels.shape == (len(paths),)
        self.paths = paths
        self.labels = labels
        self.img_size = img_size
        self.names = names

    def __len__(self) -> int:
        return len(self.paths)

    def picture(self, row: int, *, whole: bool) -> Image.Image:
        """One file: as it is if `whole`, else cut to the set's size."""
        path = self.paths[row]
        return open_rgb(path) if whole else to_pil_image(read_square(path, self.img_size))

    def batches(
        self,
        batch_size: int,
        *,
        seed: int | None,
        device: torch.device | str,
        first: int = 0,
        share: RowShare | None = None,
    ) -> Iterator[Batch]:
        """See `ImageSet.batches`."""

        def read(row: int) -> Tensor:
            return read_square(self.paths[row], self.img_size)

        batches = shared(batches_of(len(self), batch_size, seed)[first:], share)
        for rows, images in read_ahead(read, batches):
            yield torch.stack(images).to(device), self.labels[rows].to(device)


def read_ahead(
    read: Callable[[int], Value], batches: Iterable[Tensor]
) -> Iterator[tuple[Tensor, list[Value]]]:
    """Each batch of rows with what `read` gives for them, read by threads `BATCHES_AHEAD`."""
    silence_pillow()
    with ThreadPoolExecutor(available_cores()) as pool:
        started: deque[tuple[Tensor, list[Future[Value]]]] = deque()
        try:
            for rows in batches:
                started.append((rows, [pool.submit(read, row) for row in rows.tolist()]))
                if len(started) > BATCHES_AHEAD:
                    yield _finished(*started.popleft())
            while started:
                yield _finished(*started.popleft())
        finally:
            pool.shutdown(cancel_futures=True)


def _finished(rows: Tensor, values: list[Future[Value]]) -> tuple[Tensor, list[Value]]:
    return rows, [value.result() for value in values]


def batches_of(num_images: int, batch_size: int, seed: int | None) -> Sequence[Tensor]:
    """The rows of each batch of one pass, int64; see `ImageSet.batches`."""
    return _batches(_order(num_images, seed), batch_size)


def shared(batches: Sequence[Tensor], share: RowShare | None) -> Sequence[Tensor]:
    """The rows of each batch that are read; see `ImageSet.batches`."""
    return batches if share is None else [share(rows) for rows in batches]


def _order(num_images: int, seed: int | None) -> Tensor:
    """Indices of the images in the order of one pass, int64 (num_images,)."""
    if seed is None:
        return torch.arange(num_images)
    return torch.randperm(num_images, generator=torch.Generator().manual_seed(seed))


def num_batches(num_images: int, batch_size: int) -> int:
    """Batches of one pass over a set.

    A single image that is left over joins the batch before it: a batch of one would stop the
    training of a model with BatchNorm, which needs two values.
    """
    if batch_size == 1 or num_images < 2:
        return num_images
    return ceil((num_images - 1) / batch_size)


def _batches(order: Tensor, batch_size: int) -> Sequence[Tensor]:
    """The order of one pass, in parts."""
    count = num_batches(len(order), batch_size)
    return order.tensor_split([batch_size * batch for batch in range(1, count)]) if count else ()

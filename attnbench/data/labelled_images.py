"""Sets of images whose targets are objects or label maps: batches with lists of targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from attnbench.data.images import Batch, RowShare, batches_of, read_ahead, shared
from attnbench.data.targets import Target, moved


class LabelledInMemory:
    """Decoded images in one tensor, with a target each."""

    def __init__(self, images: Tensor, targets: Sequence[Target]) -> None:
        """Keep uint8 `images` (images, 3, height, width) and their targets."""
        assert images.dtype == torch.uint8
        assert images.shape[:2] == (len(targets), 3)
        self.images = images
        self.targets = targets

    def __len__(self) -> int:
        return len(self.targets)

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
            targets = [moved(self.targets[row], device) for row in rows.tolist()]
            yield self.images[rows].to(device), targets


class LabelledOnDisk:
    """Images and targets that are read by threads a few batches ahead."""

    def __init__(self, count: int, read: Callable[[int], tuple[Tensor, Target]]) -> None:
        """Keep the number of images, and how one is read by its row."""
        self.count = count
        self.read = read

    def __len__(self) -> int:
        return self.count

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
        batches = shared(batches_of(len(self), batch_size, seed)[first:], share)
        for _, read in read_ahead(self.read, batches):
            images, targets = zip(*read, strict=True)
            yield torch.stack(images).to(device), [moved(one, device) for one in targets]

"""The images of each batch that a process sees, where several share it.

The batch of the recipe is that of all processes. A process reads its own images only. Whatever is
drawn for a batch is drawn for all of it: its images stand at their places in a batch of full size,
whose other images are copies that nobody looks at. So an image looks the same whatever the number
of processes.

Places go round: 0 to the first process, 1 to the second. Where the recipe mixes images in pairs, an
image and its counterpart from the end of the batch go to the same process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from attnbench import together
from attnbench.data.images import Batch, ImageSet, batches_of
from attnbench.errors import UserError
from attnbench.spec import Recipe
from attnbench.training.parts import in_parts, taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a process sees of a part of a batch."""

    images: Tensor
    """(images, …)."""
    targets: Any
    counted: int
    """0 where the process has no image of the part: then it sees one that does not count."""
    whole: int
    """Images of the part, of all processes."""
    weight: float
    """`counted` as a share of the batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Which images of each batch this process sees."""

    rank: int = 0
    size: int = 1
    in_pairs: bool = False

    def places(self, batch: int) -> Tensor:
        """Those of this process in a batch, int64, in their order; maybe none."""
        places = torch.arange(batch)
        turn = places
        if self.in_pairs:
            even = batch // 2 * 2
            turn = torch.where(places < even, torch.minimum(places, even - 1 - places), even // 2)
        return places[turn % self.size == self.rank]

    def of(self, rows: Tensor) -> Tensor:
        """The rows of a batch that this process reads: at least one, of those of the batch."""
        places = self.places(len(rows))
        return rows[places] if len(places) else rows[:1]

    def full(self, images: Tensor, targets: Any, batch: int) -> tuple[Tensor, Any]:
        """What this process has read, at its places in a batch of full size.

        Args:
            images: those of `of`, (images, …).
            targets: theirs.
            batch: images of the whole batch.
        """
        if self.size == 1:
            return images, targets
        places = self.places(batch)
        where = torch.zeros(batch, dtype=torch.int64)
        where[places] = torch.arange(len(places))
        return images[where.to(images.device)], taken(targets, where)

    def parts(self, images: Tensor, targets: Any, count: int) -> Iterator[Part]:
        """What this process sees of each part of a batch.

        Args:
            images: the whole batch, (batch, …).
            targets: theirs.
            count: parts, see `training.parts`.
        """
        own, start = self.places(len(images)), 0
        for part, its, share in in_parts(images, targets, count):
            whole = len(part)
            places = own[(own >= start) & (own < start + whole)] - start
            if len(places) < whole:
                seen = places if len(places) else torch.zeros(1, dtype=torch.int64)
                part, its = part[seen.to(part.device)], taken(its, seen)
            yield Part(
                images=part, targets=its, counted=len(places), whole=whole,
                weight=share * (len(places) / whole),
            )  # fmt: skip
            start += whole

    def batches(
        self,
        images: ImageSet,
        batch_size: int,
        *,
        seed: int,
        device: torch.device,
        first: int,
    ) -> Iterator[Batch]:
        """The batches of a pass in full size, of which this process has read its images.

        Sets that cannot read a share read all; see `ImageSet.batches`.
        """
        read: Callable[..., Iterator[Batch]] = partial(
            images.batches, batch_size, seed=seed, device=device, first=first
        )
        if self.size == 1 or "share" not in signature(images.batches).parameters:
            yield from read()
            return
        sizes = [len(rows) for rows in batches_of(len(images), batch_size, None)][first:]
        for batch, (pixels, targets) in zip(sizes, read(share=self.of), strict=True):
            yield self.full(pixels, targets, batch)


def share_of_this_process(recipe: Recipe) -> Share:
    """The share of this process under a recipe."""
    return Share(
        rank=together.rank(), size=together.size(),
        in_pairs=recipe.mixup > 0 or recipe.cutmix > 0,
    )  # fmt: skip


def refuse_small_batches(recipe: Recipe) -> None:
    """Refuse batches of which some process would never have an image.

    Raises:
        UserError: there are more processes than images in a batch.
    """
    if recipe.batch_size < together.size():
        raise UserError(
            f"--batch-size: expected at least {together.size()}, an image for each process, got "
            f"{recipe.batch_size}; raise it, or start fewer processes"
        )

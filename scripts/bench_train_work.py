"""What a training step costs a core, in the network and in loading, and so what a cache can give.

Timm's loader and ours load in this process, and processor time is read, so programs that run beside
change no result.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from bench_rows import Row
from torch import nn

from attnbench.data.augment import MEAN, STD
from attnbench.data.augmented import Augmented
from attnbench.data.images import Batch, ImageData
from attnbench.data.picture_augment import PictureAugment
from attnbench.spec import Recipe
from attnbench.tasks.factory import create_task
from attnbench.training.loop import train


def timms_loader(folder: Path, size: int, recipe: Recipe, workers: int) -> Iterable[Batch]:
    """Timm's loader with the recipe's augmentation."""
    from timm.data import ImageDataset, create_loader

    loader: Iterable[Batch] = create_loader(
        ImageDataset(str(folder / "train")), (3, size, size), recipe.batch_size, is_training=True,
        use_prefetcher=False, scale=recipe.crop_scale, auto_augment=recipe.rand_augment,
        re_prob=recipe.erasing, re_mode="pixel", interpolation="bicubic", mean=(MEAN,) * 3,
        std=(STD,) * 3, num_workers=workers, pin_memory=False, device=torch.device("cpu"),
    )  # fmt: skip
    return loader


class Repeated:
    """One batch again and again: a set that costs nothing to load."""

    def __init__(self, batch: Batch, times: int) -> None:
        self.batch, self.times = batch, times

    def __len__(self) -> int:
        return self.times * len(self.batch[0])

    def batches(
        self, batch_size: int, *, seed: int | None, device: torch.device | str, first: int = 0
    ) -> Iterator[Batch]:
        """See `ImageSet.batches`."""
        yield from [self.batch] * self.times


def work_of_a_step(
    model: nn.Module, data: Mapping[str, ImageData], folder: Path, recipe: Recipe, steps: int
) -> dict[str, float]:
    """Seconds of one core for a step: in the network, and in loading its batch, all in one process.

    Args:
        model: to be trained.
        data: the set held in "memory" and the one read from "files".
        folder: its files, for timm.
        recipe: with the augmentation.
        steps: over which the mean is taken; one more loads what is loaded once.
    """
    augment = PictureAugment(recipe.img_size, recipe.crop_scale, recipe.rand_augment)
    sets: dict[str, Any] = {place: one.train for place, one in data.items()}
    loads = {
        place: Augmented(images, augment, workers=0).batches(
            recipe.batch_size, seed=0, device="cpu"
        )
        for place, images in sets.items()
    }
    loads["timm"] = iter(timms_loader(folder, recipe.img_size[0], recipe, 0))
    batches = {place: next(one) for place, one in loads.items()}  # imports, and opens files
    work = {place: _core_s(partial(next, one), steps) for place, one in loads.items()}
    same = replace(data["memory"], train=Repeated(batches["memory"], steps + 1))
    done: list[float] = []
    plain = replace(recipe, crop_scale=None, rand_augment="")
    train(
        model, same, create_task("classification"), plain, device="cpu",
        on_step=lambda step: done.append(time.process_time()),
    )  # fmt: skip
    return {**work, "network": (done[-1] - done[0]) / steps}


def _core_s(call: Callable[[], object], times: int) -> float:
    start = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - start) / times


def row_of_bound(name: str, work: dict[str, float]) -> Row:
    """What a cache can give at most: if one core does all, and no process loads beside it."""
    network = work["network"]
    bound = (network + work["timm"]) / (network + work["memory"])
    return Row(
        what=f"{name}, the most that memory can give",
        measured=f"{bound:.2f}; of a core a step: network {1e3 * network:.0f} ms, loading by timm "
        f"{1e3 * work['timm']:.0f} ms, from files {1e3 * work['files']:.0f} ms, from memory "
        f"{1e3 * work['memory']:.0f} ms",
        numbers={"bound": bound, **{f"{part}_s": value for part, value in work.items()}},
    )

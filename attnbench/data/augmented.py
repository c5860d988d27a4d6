"""A set of images whose every picture is augmented, by processes that work ahead of the model.

timm's augmentation draws from generators that threads would share, and takes most of the time of a
pass, so processes do it: those of torch's `DataLoader`, which live for the whole training. What
comes out depends on neither their number nor their pace.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from attnbench import together
from attnbench.cores import available_cores
from attnbench.data.decoding import silence_pillow
from attnbench.data.images import BATCHES_AHEAD, Batch, ImageSet, RowShare, batches_of
from attnbench.data.picture_augment import PictureAugment, seed_of
from attnbench.errors import UserError
from attnbench.spec import Recipe

MOST_WORKERS = 16


class Pictures(Protocol):
    """A set whose pictures can be read one by one."""

    labels: Tensor

    def __len__(self) -> int: ...

    def picture(self, row: int, *, whole: bool) -> Image.Image:
        """One picture in RGB; of the size of the set unless it may be whole."""
        ...


class Augmented:
    """A set of images of classes, augmented anew in every pass; see `ImageSet`."""

    def __init__(
        self,
        images: Pictures,
        augment: PictureAugment,
        *,
        repeats: int = 1,
        workers: int | None = None,
    ) -> None:
        """Keep the set and how it is augmented.

        Args:
            images: the set.
            augment: picklable.
            repeats: how often an image is in a pass; the pass keeps its length.
            workers: processes; 0 augments in this one. By default one for each usable core, which
                the processes of a training share.
        """
        self.images = images
        self.repeats = repeats
        assert augment.steps is not None  # imported here, not in each process
        self._batches = _Plan()
        count = default_workers() if workers is None else workers
        self._loader: DataLoader[Any] = DataLoader(
            _Rows(images, augment),
            batch_sampler=self._batches,
            num_workers=count,
            collate_fn=_as_it_is,
            persistent_workers=count > 0,
            prefetch_factor=BATCHES_AHEAD if count else None,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=_start_worker,
            # Else the loader would draw from torch's own, which are the model's random numbers.
            generator=torch.Generator(),
        )

    def __len__(self) -> int:
        return len(self.images)

    def batches(
        self,
        batch_size: int,
        *,
        seed: int | None,
        device: torch.device | str,
        first: int = 0,
        share: RowShare | None = None,
    ) -> Iterator[Batch]:
        """See `ImageSet.batches`; `seed` is that of the augmentation too.

        Raises:
            UserError: a picture does not decode, or a process has died.
        """
        assert seed is not None, "an augmented set is one to train on"
        rows = repeated(batches_of(len(self), batch_size, seed), self.repeats)
        planned = _with_seeds(rows, seed)[first:]
        self._batches.plan = [_shared(items, share) for items in planned] if share else planned
        for answer in _alive(self._started()):
            if isinstance(answer, str):
                raise UserError(answer)
            images, labels = answer
            yield images.to(device, non_blocking=True), labels.to(device, non_blocking=True)

    def _started(self) -> Iterator[Any]:
        with warnings.catch_warnings():
            # Python warns of forks beside threads; these processes call nothing that has threads.
            warnings.filterwarnings("ignore", message=".*use of fork.*")
            return iter(self._loader)


def repeated(batches: Sequence[Tensor], repeats: int) -> Sequence[Tensor]:
    """The batches of a pass in which each image is `repeats` times, and so fewer images are.

    Repeated augmentation (https://arxiv.org/abs/1901.09335): copies of an image are in one batch,
    next to one another. The sizes of the batches stay.
    """
    if repeats == 1 or not batches:
        return batches
    order = torch.cat(list(batches))
    chosen = order.repeat_interleave(repeats)[: len(order)]
    return chosen.split([len(batch) for batch in batches])


Item = tuple[int, int]
"""A row of the set, and the seed of its picture."""


def _with_seeds(batches: Sequence[Tensor], seed: int) -> list[list[Item]]:
    place, planned = 0, []
    for rows in batches:
        items = [(row, seed_of(seed, place + i)) for i, row in enumerate(rows.tolist())]
        planned.append(items)
        place += len(items)
    return planned


def _shared(items: list[Item], share: RowShare) -> list[Item]:
    return [items[place] for place in share(torch.arange(len(items))).tolist()]


class _Plan:
    """The batches of one pass. The loader keeps this object, so its content is replaced."""

    def __init__(self) -> None:
        self.plan: list[list[Item]] = []

    def __iter__(self) -> Iterator[list[Item]]:
        return iter(self.plan)

    def __len__(self) -> int:
        return len(self.plan)


class _Rows(Dataset[Any]):
    """Whole batches, read and augmented in the process that is asked."""

    def __init__(self, images: Pictures, augment: PictureAugment) -> None:
        self.images = images
        self.augment = augment

    def __getitems__(self, items: list[Item]) -> tuple[Tensor, Tensor] | str:
        """Images and labels, or what is wrong with a picture: errors do not survive the way."""
        try:
            images = [self._image(row, seed) for row, seed in items]
        except UserError as error:
            return str(error)
        return torch.stack(images), self.images.labels[[row for row, _ in items]]

    def _image(self, row: int, seed: int) -> Tensor:
        whole = self.augment.crop_scale is not None
        return self.augment(self.images.picture(row, whole=whole), seed)


def _as_it_is(batch: Any) -> Any:
    return batch


def _start_worker(worker: int) -> None:
    silence_pillow()


def _alive(answers: Iterator[Any]) -> Iterator[Any]:
    """The answers of the processes; the death of one is told as what it is."""
    try:
        yield from answers
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise UserError(
            f"a process that reads images has ended ({str(error).splitlines()[0]}): the machine "
            "may lack memory; resume the run"
        ) from error


def is_augmented(recipe: Recipe) -> bool:
    """Whether a recipe shows each picture in its own way, which takes processes."""
    return bool(recipe.crop_scale or recipe.rand_augment) or recipe.repeats != 1


def default_workers() -> int:
    """Processes that augment, if nobody says how many: one for each usable core.

    The processes of a training on one machine share the cores.
    """
    return min(max(1, available_cores() // together.local_size()), MOST_WORKERS)


def to_train_on(images: ImageSet, recipe: Recipe) -> ImageSet:
    """The set as a recipe shows it: augmented picture by picture, or as it is.

    Raises:
        UserError: its pictures cannot be read one by one.
    """
    if not is_augmented(recipe):
        return images
    if not (hasattr(images, "picture") and hasattr(images, "labels")):
        raise UserError(
            "--crop-scale, --rand-augment and --repeats need a set of images of classes whose "
            f"pictures can be read one by one, got {type(images).__name__}; leave them out"
        )
    augment = PictureAugment(recipe.img_size, recipe.crop_scale, recipe.rand_augment)
    return Augmented(images, augment, repeats=recipe.repeats)  # type: ignore[arg-type]

"""Say how the images of a training come to the model."""

from __future__ import annotations

from attnbench.cores import available_cores
from attnbench.data.augmented import default_workers, is_augmented
from attnbench.data.images import BATCHES_AHEAD, ImageSet, ImagesOnDisk
from attnbench.data.labelled_images import LabelledOnDisk
from attnbench.spec import Recipe


def how_fed(images: ImageSet, recipe: Recipe) -> str:
    """One line: where the images are, who reads or augments them, and how far ahead."""
    on_disk = isinstance(images, (ImagesOnDisk, LabelledOnDisk))
    place = "on disk, since they do not fit in memory" if on_disk else "decoded, in memory"
    ahead = f"{BATCHES_AHEAD} batches ahead"
    if is_augmented(recipe):
        work = "read and augmented" if on_disk else "augmented"
        return f"images: {place}; {work} by {_count(default_workers(), 'process', 'es')}, {ahead}"
    if on_disk:
        return f"images: {place}; read by {_count(available_cores(), 'thread', 's')}, {ahead}"
    return f"images: {place}"


def _count(number: int, what: str, plural: str) -> str:
    return f"{number} {what}{plural if number != 1 else ''}"

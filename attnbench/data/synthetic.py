"""Random images with random labels, to measure the speed of training."""

from __future__ import annotations

import torch

from attnbench.data.decoding import OnProgress
from attnbench.data.images import ImageData, ImagesInMemory

DEFAULT_SIZE = 224
NUM_CLASSES = 10
NUM_TRAIN = 512
NUM_VAL = 128


def open_synthetic(
    img_size: int | None = None, *, seed: int = 0, on_progress: OnProgress | None = None
) -> ImageData:
    """640 random images of `img_size` (default 224), the same for the same `seed`."""
    size = img_size or DEFAULT_SIZE
    generator = torch.Generator().manual_seed(seed)
    return ImageData(
        name="synthetic",
        train=_random_images(NUM_TRAIN, size, generator),
        val=_random_images(NUM_VAL, size, generator),
        class_names=tuple(str(label) for label in range(NUM_CLASSES)),
        img_size=(size, size),
        photographs=False,
    )


def _random_images(count: int, size: int, generator: torch.Generator) -> ImagesInMemory:
    shape = (count, 3, size, size)
    images = torch.randint(256, shape, dtype=torch.uint8, generator=generator)
    return ImagesInMemory(images, torch.randint(NUM_CLASSES, (count,), generator=generator))

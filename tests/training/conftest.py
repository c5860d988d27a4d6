from collections.abc import Callable

import pytest
import torch
from torch import nn

from attnbench.data.images import ImageData, ImagesInMemory
from attnbench.tasks.base import Task
from attnbench.tasks.factory import create_task

NUM_CLASSES = 7
SIZE = 9


def random_set(count: int, seed: int) -> ImagesInMemory:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(NUM_CLASSES, (count,), generator=generator)
    images = torch.randint(256, (count, 3, SIZE, SIZE), dtype=torch.uint8, generator=generator)
    # The label shows in the brightness, so that there is something to learn.
    return ImagesInMemory(images // 8 + (labels * 30).to(torch.uint8)[:, None, None, None], labels)


@pytest.fixture
def data() -> ImageData:
    """53 training and 21 held-out images of an odd size: no batch size divides them."""
    return ImageData(
        name="noise",
        train=random_set(53, seed=1),
        val=random_set(21, seed=2),
        class_names=tuple("abcdefg"),
        img_size=(SIZE, SIZE),
        photographs=True,
    )


@pytest.fixture
def task() -> Task:
    return create_task("classification")


@pytest.fixture
def make_model() -> Callable[..., nn.Module]:
    """A tiny network with everything that a resume could forget: dropout and running averages."""

    def make(seed: int = 0, width: int = 6) -> nn.Module:
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(3, width, 3, stride=3),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.1),
            nn.Linear(width * 9, NUM_CLASSES),
        )

    return make

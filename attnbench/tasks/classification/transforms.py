"""Crops and flips for training, normalisation for all. Labels stay as they are.

The classes of `torchvision.transforms.v2` are not used here. They draw from torch's global
generator and make one crop for a whole batch; here each image has its own crop, drawn from the
generator that is passed in. Their normalisation also differs from ours in the last bit.
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnbench.data.augment import normalise, random_crop, random_flip


def augment(
    images: Tensor, targets: Tensor, generator: torch.Generator, *, crop_padding: int, flip: bool
) -> tuple[Tensor, Tensor]:
    """A batch for training: uint8 (batch, 3, height, width) to float32 of the same shape."""
    images = random_crop(images, crop_padding, generator)
    if flip:
        images = random_flip(images, generator)
    return normalise(images), targets


def only_normalise(
    images: Tensor, targets: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """A batch for evaluation: uint8 (batch, 3, height, width) to float32 of the same shape."""
    return normalise(images), targets

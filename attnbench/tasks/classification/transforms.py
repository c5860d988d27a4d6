"""Crops and flips for training, normalisation for all, then what is done to whole batches.

The classes of `torchvision.transforms.v2` are not used here. They draw from torch's global
generator and make one crop for a whole batch; here each image has its own crop, drawn from the
generator that is passed in. Their normalisation also differs from ours in the last bit.
"""

from __future__ import annotations

import torch
from torch import Tensor

from attnbench.data.augment import normalise, random_crop, random_flip
from attnbench.spec import Recipe
from attnbench.tasks.classification.mixing import Mixed, erase, mix


def augment(
    images: Tensor, targets: Tensor, generator: torch.Generator, *, recipe: Recipe
) -> tuple[Tensor, Tensor | Mixed]:
    """A batch for training: uint8 (batch, 3, height, width) to float32 of the same shape."""
    images = random_crop(images, recipe.crop_padding, generator)
    if recipe.flip:
        images = random_flip(images, generator)
    images = normalise(images)
    if recipe.erasing:
        images = erase(images, generator, recipe.erasing)
    if recipe.mixup or recipe.cutmix:
        return mix(images, targets, generator, mixup=recipe.mixup, cutmix=recipe.cutmix)
    return images, targets


def only_normalise(
    images: Tensor, targets: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """A batch for evaluation: uint8 (batch, 3, height, width) to float32 of the same shape."""
    return normalise(images), targets

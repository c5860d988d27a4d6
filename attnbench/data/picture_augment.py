"""Augmentation of single pictures: random crops that are enlarged, and RandAugment, both timm's.

Each picture has a seed of its own, which follows from the seed of the pass and the place in it. So
a picture looks the same whichever process augments it, and whether or not those before it were
augmented at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image, ImageOps
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from attnbench.data.global_random import drawing_from

GREY = 128
"""What fills the corners of a turned picture: the mean of the normalised images."""
REACH = 0.45
"""Of a shift by RandAugment, as a share of the side (timm's `transforms_imagenet_train`)."""


@dataclass(frozen=True)
class PictureAugment:
    """From a picture of any size to an image of the size that models see."""

    img_size: tuple[int, int]
    """(height, width) in pixels."""
    crop_scale: tuple[float, float] | None
    """See `Recipe.crop_scale`."""
    rand_augment: str
    """See `Recipe.rand_augment`."""

    def __call__(self, picture: Image.Image, seed: int) -> Tensor:
        """The image that a seed makes of a picture.

        Args:
            picture: in RGB; of the size of images if there is no `crop_scale`.
            seed: see `drawing_from`.

        Returns:
            uint8 (3, *img_size).
        """
        with drawing_from(seed):
            for step in self.steps:
                picture = step(picture)
        return F.pil_to_tensor(picture)

    @cached_property
    def steps(self) -> list[Callable[[Any], Any]]:
        """Timm's transforms, in their order. They take seconds to import, once in a process."""
        from timm.data.auto_augment import rand_augment_transform
        from timm.data.transforms import RandomResizedCropAndInterpolation

        steps: list[Callable[[Any], Any]] = []
        if self.crop_scale is not None:
            crop = RandomResizedCropAndInterpolation(
                self.img_size, scale=self.crop_scale, interpolation="bicubic"
            )
            steps.append(crop)
        if self.rand_augment:
            settings = {
                "translate_const": int(REACH * min(self.img_size)),
                "img_mean": (GREY, GREY, GREY),
            }
            steps.append(_with_pillow_13(rand_augment_transform(self.rand_augment, settings)))
        return steps


def _with_pillow_13(chosen: Any) -> Any:
    """RandAugment whose strongest posterizing leaves no bits, which Pillow refuses from 13 on."""
    for operation in chosen.ops:
        if operation.aug_fn.__name__ == "posterize":
            operation.aug_fn = _posterize
    return chosen


def _posterize(image: Image.Image, bits: int, **given: Any) -> Image.Image:
    if bits < 1:
        return Image.new("RGB", image.size)
    return ImageOps.posterize(image, min(bits, 8))


def seed_of(pass_seed: int, place: int) -> int:
    """The seed of the picture at a place of a pass: spread over all of them, on every machine."""
    return int(np.random.SeedSequence((pass_seed, place)).generate_state(1)[0])

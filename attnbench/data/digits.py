"""Handwritten digits of 8×8 pixels from scikit-learn: real images, no download.

The set is the test part of "Optical Recognition of Handwritten Digits",
https://archive.ics.uci.edu/dataset/80: 1,797 digits in 17 levels of grey.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from attnbench.data.decoding import OnProgress
from attnbench.data.images import ImageData, ImagesInMemory

DEFAULT_SIZE = 32
LEVELS = 16
"""Value of the brightest pixel in the original."""
HELD_OUT = 0.2
SPLIT_SEED = 0
"""Fixed: every run is evaluated on the same digits, whatever its training seed."""


def open_digits(
    img_size: int | None = None, *, seed: int = 0, on_progress: OnProgress | None = None
) -> ImageData:
    """Digits enlarged to `img_size` (default 32), a stratified fifth held out.

    `seed` and `on_progress` have no effect; every data set takes them.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    size = img_size or DEFAULT_SIZE
    digits = load_digits()
    labels = torch.from_numpy(digits.target).long()
    images = _enlarge(torch.from_numpy(digits.images), size)
    train, val = train_test_split(
        range(len(labels)), test_size=HELD_OUT, stratify=labels, random_state=SPLIT_SEED
    )
    return ImageData(
        name="digits",
        train=ImagesInMemory(images[train], labels[train]),
        val=ImagesInMemory(images[val], labels[val]),
        class_names=tuple(str(name) for name in digits.target_names),
        img_size=(size, size),
        photographs=False,
    )


def _enlarge(grey: Tensor, size: int) -> Tensor:
    """(images, 8, 8) in 0..16 to uint8 (images, 3, size, size)."""
    scaled = F.resize(grey.float()[:, None], [size, size], antialias=True) * (255 / LEVELS)
    return scaled.round_().to(torch.uint8).repeat(1, 3, 1, 1)

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
    size = img_size or DEFAULT_SIZE
    sets = {
        split: ImagesInMemory(_enlarge(images, size), labels)
        for split, (images, labels) in split_digits().items()
    }
    return ImageData(
        name="digits",
        train=sets["train"],
        val=sets["val"],
        class_names=tuple("0123456789"),
        img_size=(size, size),
        photographs=False,
    )


def split_digits() -> dict[str, tuple[Tensor, Tensor]]:
    """The digits of "train" and "val", float64 (digits, 8, 8) in 0..16, and int64 labels."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images, labels = torch.from_numpy(digits.images), torch.from_numpy(digits.target).long()
    rows = train_test_split(
        range(len(labels)), test_size=HELD_OUT, stratify=labels, random_state=SPLIT_SEED
    )
    return {
        split: (images[part], labels[part])
        for split, part in zip(("train", "val"), rows, strict=True)
    }


def _enlarge(grey: Tensor, size: int) -> Tensor:
    """(images, 8, 8) in 0..16 to uint8 (images, 3, size, size)."""
    scaled = F.resize(grey.float()[:, None], [size, size], antialias=True) * (255 / LEVELS)
    return scaled.round_().to(torch.uint8).repeat(1, 3, 1, 1)

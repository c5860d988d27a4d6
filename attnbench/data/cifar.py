"""CIFAR-10 and CIFAR-100 from torchvision: 50,000 training and 10,000 held-out photographs.

https://www.cs.toronto.edu/~kriz/cifar.html
"""

from __future__ import annotations

import warnings
from http.client import HTTPException
from typing import Any

import torch

from attnbench.data.decoding import OnProgress, fit_square
from attnbench.data.images import ImageData, ImagesInMemory
from attnbench.errors import UserError

ROOT = "data"
"""Folder of the files, below the working directory; missing files are downloaded."""
DEFAULT_SIZE = 32


def open_cifar10(
    img_size: int | None = None, *, seed: int = 0, on_progress: OnProgress | None = None
) -> ImageData:
    """CIFAR-10 at `img_size` (default 32); `seed` and `on_progress` have no effect."""
    return _open("CIFAR10", img_size or DEFAULT_SIZE)


def open_cifar100(
    img_size: int | None = None, *, seed: int = 0, on_progress: OnProgress | None = None
) -> ImageData:
    """CIFAR-100 at `img_size` (default 32); `seed` and `on_progress` have no effect."""
    return _open("CIFAR100", img_size or DEFAULT_SIZE)


def _open(set_name: str, size: int) -> ImageData:
    train, val = (_load(set_name, train=train) for train in (True, False))
    return ImageData(
        name=set_name.lower(),
        train=_in_memory(train, size),
        val=_in_memory(val, size),
        class_names=tuple(train.classes),
        img_size=(size, size),
        photographs=True,
    )


def _load(set_name: str, *, train: bool) -> Any:
    """The data set of torchvision.

    Raises:
        UserError: the files are missing and cannot be downloaded.
    """
    from torchvision import datasets

    cls = getattr(datasets, set_name)
    try:
        with warnings.catch_warnings():
            # The files are pickles of an old NumPy; new versions warn at every array.
            warnings.filterwarnings("ignore", message=".*align should be passed")
            return cls(ROOT, train=train, download=True)
    except (OSError, RuntimeError, HTTPException) as error:
        raise UserError(
            f"--data {set_name.lower()}: its files are not in ./{ROOT} and downloading them failed "
            f"({error}); unpack {cls.filename} from {cls.url} into ./{ROOT}, or give a folder with "
            "train/ and val/"
        ) from error


def _in_memory(images: Any, size: int) -> ImagesInMemory:
    pixels = torch.from_numpy(images.data).permute(0, 3, 1, 2).contiguous()
    return ImagesInMemory(fit_square(pixels, size), torch.tensor(images.targets))

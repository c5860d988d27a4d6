"""Read image files as square uint8 tensors: Pillow decodes, torchvision resizes and crops.

Pillow releases the interpreter lock while it decodes and resizes, so threads use every core, and an
error reaches the user as one line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from attnbench.cores import available_cores
from attnbench.errors import UserError

CHUNK = 64
"""Files per job of a thread: jobs of one small file would spend their time in queues."""

OnProgress = Callable[[int, int], None]
"""Called with (images done, images in all)."""


def open_rgb(path: Path) -> Image.Image:
    """Decode a file into an RGB image of Pillow; grey is replicated, transparency dropped.

    Raises:
        UserError: the file is empty, corrupt or not an image, or it has more than 8 bits a channel.
    """
    try:
        with Image.open(path) as image:
            # Pillow clips deeper pixels at 255: most would become white.
            if image.mode[0] in "IF":
                raise UserError(
                    f"{path}: expected 8 bits a channel, got mode {image.mode}; convert it first"
                )
            return image.convert("RGB")
    except UserError:
        raise
    except Exception as error:  # a decoder may raise anything on a corrupt file
        raise UserError(
            f"{path}: expected an image, got {path.stat().st_size if path.is_file() else 'no'} "
            f"bytes that do not decode; replace or delete the file"
        ) from error


def fit_square(images: Tensor, size: int) -> Tensor:
    """Resize the short side to `size`, then crop the centre: (…, 3, h, w) to (…, 3, size, size)."""
    if min(images.shape[-2:]) != size:
        images = F.resize(images, [size], antialias=True)
    return F.center_crop(images, [size, size])


def read_square(path: Path, size: int) -> Tensor:
    """One file as uint8 (3, size, size)."""
    return fit_square(F.pil_to_tensor(open_rgb(path)), size)


def read_all(paths: Sequence[Path], size: int, on_progress: OnProgress | None = None) -> Tensor:
    """All files, in order, as one uint8 tensor (images, 3, size, size).

    `on_progress` is called in this thread after each chunk of files.
    """
    images = torch.empty(len(paths), 3, size, size, dtype=torch.uint8)

    def fill(start: int) -> int:
        for row in range(start, min(start + CHUNK, len(paths))):
            images[row] = read_square(paths[row], size)
        return min(start + CHUNK, len(paths))

    with ThreadPoolExecutor(available_cores()) as pool:
        try:
            for done in pool.map(fill, range(0, len(paths), CHUNK)):
                if on_progress:
                    on_progress(done, len(paths))
        finally:
            pool.shutdown(cancel_futures=True)
    return images

"""Random crops, flips and normalisation of whole batches of images on their device.

Random numbers are drawn on the CPU: one seed gives the same crops and flips on every device and for
every model. They go to the device without waiting for what it is doing.
"""

from __future__ import annotations

import torch
from torch import Tensor

MEAN = 0.5
STD = 0.25
"""Of every channel, on the scale from 0 to 1. Fixed: all data sets share one pipeline."""


def random_crop(images: Tensor, padding: int, generator: torch.Generator) -> Tensor:
    """Extend each image by a reflected border, then crop it at random to its own size.

    Args:
        images: (batch, channels, height, width).
        padding: width of the border in pixels, below height and width; 0 changes nothing.
        generator: on the CPU.
    """
    if padding == 0:
        return images
    batch, _, height, width = images.shape
    padded = _reflect(_reflect(images, padding, dim=2), padding, dim=3)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # every crop there is, as a view
    corners = torch.randint(2 * padding + 1, (2, batch), generator=generator)
    top, left = corners.to(images.device, non_blocking=True)
    return windows[torch.arange(batch, device=images.device), :, top, left]


def _reflect(images: Tensor, padding: int, dim: int) -> Tensor:
    """Mirror a border on both sides of one axis. torch's `pad` does not take uint8 on CUDA."""
    side = images.shape[dim]
    assert padding < side
    before = images.narrow(dim, 1, padding).flip(dim)
    after = images.narrow(dim, side - 1 - padding, padding).flip(dim)
    return torch.cat([before, images, after], dim)


def random_flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each image, left to right, with probability one half."""
    flips = torch.rand(len(images), generator=generator) < 0.5
    flips = flips.to(images.device, non_blocking=True)
    return torch.where(flips[:, None, None, None], images.flip(-1), images)


def normalise(images: Tensor) -> Tensor:
    """uint8 images to float32 of about zero mean and unit spread: (x / 255 - MEAN) / STD."""
    return images.float().div_(255).sub_(MEAN).div_(STD)

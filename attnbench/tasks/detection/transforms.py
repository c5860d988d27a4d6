"""Pictures and boxes that move together: scales, places, flips and brightness.

All images of a batch are moved by one bilinear sampling, their boxes by the same formula. Each
image has its own movement, from the generator that is passed in. The classes of
`torchvision.transforms.v2` draw from torch's global generator instead, one movement for a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from attnbench.data.augment import normalise
from attnbench.data.targets import Objects

SCALES = (0.7, 1.4)
"""Range of the random enlargement of photographs."""
BRIGHTNESS = (0.7, 1.3)
"""Range of the factor on all values of a picture."""
LEAST_VISIBLE = 0.3
"""An object of which less is left inside is no target, nor is its rest background."""
LEAST_SIDE = 1.0
"""Pixels: a rest that is thinner is gone."""


def augment(
    images: Tensor,
    targets: Sequence[Objects],
    generator: torch.Generator,
    *,
    flip: bool,
    scales: tuple[float, float] = SCALES,
) -> tuple[Tensor, list[Objects]]:
    """A batch for training; what lies outside of a picture is grey.

    Args:
        images: uint8 (batch, 3, height, width).
        targets: boxes in pixels of these images.
        generator: on the CPU.
        flip: mirror half of them.
        scales: range of the random enlargement.
    """
    reach, centre = _movements(len(images), flip, scales, generator)
    theta = torch.cat([torch.diag_embed(reach), centre[..., None]], dim=2)  # (batch, 2, 3)
    grid = F.affine_grid(theta.to(images.device), list(images.shape), align_corners=False)
    bright = _brightened(normalise(images), generator)
    pictures = F.grid_sample(bright, grid, mode="bilinear", align_corners=False)
    height, width = images.shape[-2:]
    size = torch.tensor([width, height], dtype=torch.float32)
    return pictures, [_moved(*one, size) for one in zip(targets, reach, centre, strict=True)]


def _movements(
    batch: int, flip: bool, scales: tuple[float, float], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """What part of a picture is seen: its half extent and centre, x and y, (batch, 2) each.

    Both are shares of half a side, counted from the middle; a negative extent mirrors.
    """
    low, high = scales
    draws = torch.rand(4, batch, generator=generator)
    reach = 1 / (low * (high / low) ** draws[0])
    room = (1 - reach).abs()
    centre = room[:, None] * (2 * draws[1:3].T - 1)
    mirrored = torch.where(draws[3] < 0.5, -1.0, 1.0) if flip else torch.ones(batch)
    return torch.stack([reach * mirrored, reach], dim=1), centre


def _brightened(images: Tensor, generator: torch.Generator) -> Tensor:
    """Normalised images (batch, 3, height, width), each times a factor, within black and white."""
    low, high = BRIGHTNESS
    factors = low + (high - low) * torch.rand(len(images), 1, 1, 1, generator=generator)
    black, white = normalise(torch.tensor([0, 255], dtype=torch.uint8)).tolist()
    return ((images - black) * factors.to(images.device) + black).clamp(max=white)


def _moved(objects: Objects, reach: Tensor, centre: Tensor, size: Tensor) -> Objects:
    """The objects where the part of the picture that is seen fills the image."""
    boxes = objects.boxes
    reach, centre, size = (one.to(boxes) for one in (reach, centre, size))
    corners = (2 * boxes.reshape(-1, 2, 2) / size - 1 - centre) / reach
    corners = (corners + 1) / 2 * size
    low, high = corners.amin(dim=1), corners.amax(dim=1)
    inside_low, inside_high = (torch.minimum(one.clamp(min=0), size) for one in (low, high))
    sides = inside_high - inside_low
    visible = sides.prod(dim=1) / (high - low).prod(dim=1)
    kept = (sides >= LEAST_SIDE).all(dim=1)
    return replace(
        objects,
        boxes=torch.cat([inside_low, inside_high], dim=1)[kept],
        labels=objects.labels[kept],
        crowd=(objects.crowd | (visible < LEAST_VISIBLE))[kept],
        areas=objects.areas[kept],
        exact=None,
    )


def only_normalise(
    images: Tensor, targets: Sequence[Objects], generator: torch.Generator
) -> tuple[Tensor, list[Objects]]:
    """A batch for evaluation."""
    return normalise(images), as_seen(targets, images)


def as_seen(targets: Sequence[Objects], images: Tensor) -> list[Objects]:
    """Targets that know their extent in the images; by default a picture fills its image.

    Args:
        targets: boxes in pixels of the images.
        images: (batch, 3, height, width).
    """
    height, width = images.shape[-2:]
    return [replace(one, seen=one.seen or (height, width)) for one in targets]

"""Pictures and label maps that move together: scales, crops and flips; normalisation for all.

All images of a batch are moved by one bilinear sampling, their labels by one nearest sampling of
the same grid. Each image has its own scale and place, from the generator that is passed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from attnbench.data.augment import normalise
from attnbench.data.targets import LabelMap

SCALES = (0.5, 2.0)
"""Range of the random enlargement of photographs, as usual on ADE20K and Cityscapes."""


def augment(
    images: Tensor,
    targets: Sequence[LabelMap],
    generator: torch.Generator,
    *,
    flip: bool,
    scales: tuple[float, float] = SCALES,
) -> tuple[Tensor, list[LabelMap]]:
    """A batch for training; what lies outside of a picture is grey and ignored.

    Args:
        images: uint8 (batch, 3, height, width).
        targets: labels of the same height and width.
        generator: on the CPU.
        flip: mirror half of them.
        scales: range of the random enlargement.
    """
    labels = torch.stack([one.labels for one in targets]).to(images.device)
    grid = F.affine_grid(
        _movements(len(images), flip, scales, generator).to(images.device),
        list(images.shape), align_corners=False,
    )  # fmt: skip
    pictures = F.grid_sample(normalise(images), grid, mode="bilinear", align_corners=False)
    # Outside of the picture the sample is 0; so 0 is made to mean "ignored".
    shifted = (labels + 1).to(torch.uint8)[:, None].float()  # IGNORE + 1 is 0 in uint8
    moved = F.grid_sample(shifted, grid, mode="nearest", align_corners=False)[:, 0]
    moved = (moved.to(torch.uint8) - 1).to(torch.uint8)  # 0 - 1 is IGNORE in uint8
    return pictures, [replace(one, labels=new) for one, new in zip(targets, moved, strict=True)]


def _movements(
    batch: int, flip: bool, scales: tuple[float, float], generator: torch.Generator
) -> Tensor:
    """Affine maps (batch, 2, 3) from places in the result to places in the picture."""
    low, high = scales
    draws = torch.rand(4, batch, generator=generator)
    reach = 1 / (low * (high / low) ** draws[0])  # share of the picture that is seen
    room = (1 - reach).abs()
    mirrored = torch.where(draws[3] < 0.5, -1.0, 1.0) if flip else torch.ones(batch)
    zero = torch.zeros(batch)
    across = torch.stack([reach * mirrored, zero, room * (2 * draws[1] - 1)], dim=1)
    down = torch.stack([zero, reach, room * (2 * draws[2] - 1)], dim=1)
    return torch.stack([across, down], dim=1)


def only_normalise(
    images: Tensor, targets: Sequence[LabelMap], generator: torch.Generator
) -> tuple[Tensor, list[LabelMap]]:
    """A batch for evaluation: labels keep the size of their pictures."""
    return normalise(images), list(targets)

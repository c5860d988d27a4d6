"""Mixup, CutMix and random erasing, all timm's, on whole normalised batches.

Labels stay whole numbers: a mixed image has two, and the share of the first. The loss is the mean
of both by that share, which is the cross-entropy with timm's soft targets.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from attnbench.data.global_random import drawing_from, drawn_seed


class Mixed(NamedTuple):
    """The labels of images that are mixed of two."""

    labels: Tensor
    """int64 (batch,)."""
    others: Tensor
    """int64 (batch,)."""
    shares: Tensor
    """Of `labels` in each image, float32 (batch,), from 0 to 1."""


def mix(
    images: Tensor, labels: Tensor, generator: torch.Generator, *, mixup: float, cutmix: float
) -> tuple[Tensor, Mixed]:
    """Mix each image with its counterpart from the end of the batch; all by one share.

    Args:
        images: normalised, float32 (batch, 3, height, width); they are changed.
        labels: int64 (batch,).
        generator: on the CPU.
        mixup: see `Recipe.mixup`.
        cutmix: see `Recipe.cutmix`.

    Returns:
        The images and their labels. Of an odd batch the last image stays as it is.
    """
    from timm.data.mixup import Mixup

    even = len(images) // 2 * 2
    others, shares = labels.clone(), torch.ones(len(labels))
    if even:
        mixer = Mixup(mixup, cutmix, label_smoothing=0.0, num_classes=even)
        with drawing_from(drawn_seed(generator)):
            # Places in the batch for classes: the first row says which share is whose.
            images[:even], soft = mixer(images[:even], torch.arange(even))
        others[:even] = labels[:even].flip(0)
        shares[:even] = soft[0, 0]
    return images, Mixed(labels, others, shares.to(labels.device, non_blocking=True))


def erase(images: Tensor, generator: torch.Generator, probability: float) -> Tensor:
    """Put a rectangle of noise into some of the images, which are changed.

    Args:
        images: normalised, float32 (batch, 3, height, width).
        generator: on the CPU, where the noise is drawn too.
        probability: see `Recipe.erasing`.
    """
    from timm.data.random_erasing import RandomErasing

    eraser: Any = RandomErasing(probability, mode="pixel", device="cpu")
    with drawing_from(drawn_seed(generator)):
        return eraser(images)


def cross_entropy(logits: Tensor, targets: Tensor | Mixed, label_smoothing: float) -> Tensor:
    """The mean loss of a batch in float32, a scalar.

    Args:
        logits: (batch, classes).
        targets: int64 (batch,), or those of mixed images.
        label_smoothing: share of the target that all classes have alike.
    """
    logits = logits.float()
    if not isinstance(targets, Mixed):
        return F.cross_entropy(logits, targets, label_smoothing=label_smoothing)
    losses = [
        F.cross_entropy(logits, labels, label_smoothing=label_smoothing, reduction="none")
        for labels in (targets.labels, targets.others)
    ]
    return (targets.shares * losses[0] + (1 - targets.shares) * losses[1]).mean()

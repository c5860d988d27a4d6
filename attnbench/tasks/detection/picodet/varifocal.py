"""Varifocal loss: scores learn the overlap of their box (Zhang et al. 2021, arXiv 2008.13367)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

ALPHA = 0.75
GAMMA = 2.0


def varifocal(logits: Tensor, target: Tensor) -> Tensor:
    """The loss of each logit, of the same shape.

    Args:
        logits: of scores.
        target: overlap of the box with the object of this class, 0 for other classes and cells.
    """
    weight = target.where(target > 0, ALPHA * logits.detach().sigmoid() ** GAMMA)
    return weight * F.binary_cross_entropy_with_logits(logits, target, reduction="none")

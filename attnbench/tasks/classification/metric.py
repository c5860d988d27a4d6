"""Top-1 and top-5 accuracy and the cross-entropy, over all images of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F


class Accuracy:
    """Sums over images in float64, so that neither batch size nor merging changes the scores."""

    def __init__(self) -> None:
        self.count = 0
        self.sums = torch.zeros(3, dtype=torch.float64)
        """Images right at first, images right among the first five, and the summed loss."""

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        """Add logits (batch, classes) and class indices, int64 (batch,)."""
        self.sums += _sums(outputs.float(), targets).cpu()
        self.count += len(targets)

    def merge(self, other: Accuracy) -> None:
        """Add what another accumulator has seen."""
        self.sums += other.sums
        self.count += other.count

    def compute(self) -> Mapping[str, float]:
        """Shares of the images from 0 to 1, and the mean loss in nats."""
        top1, top5, loss = (self.sums / self.count).tolist()
        return {"top1": top1, "top5": top5, "loss": loss}


def _sums(logits: Tensor, labels: Tensor) -> Tensor:
    """Hits at first, hits among the first five, and the loss, each summed over a batch: (3,)."""
    nearest = logits.topk(min(5, logits.shape[1]), dim=1).indices  # (batch, up to 5)
    hits = nearest == labels[:, None]
    loss = F.cross_entropy(logits, labels, reduction="sum")
    return torch.stack([hits[:, 0].sum(), hits.sum(), loss]).double()

"""Top-1 and top-5 accuracy and the cross-entropy, over all images of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from attnbench.scoring.outcomes import Outcomes


class Accuracy:
    """Sums over images in float64, so that the batch size changes no score.

    Those of batches are kept, and added up in their order, so that merging changes no bit.
    """

    def __init__(self) -> None:
        self.count = 0
        self.batches: list[Tensor] = []
        """float64 (3,): images right at first, right among the first five, and the summed loss."""
        self.answers: list[Tensor] = []
        """float64 (batch, 3): true class, class with the highest score, its probability."""

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        """Add logits (batch, classes) and class indices, int64 (batch,)."""
        logits = outputs.float()
        self.batches.append(_sums(logits, targets).cpu())
        self.answers.append(_answers(logits, targets).cpu())
        self.count += len(targets)

    def merge(self, other: Accuracy) -> None:
        """Add what another accumulator has seen."""
        self.batches += other.batches
        self.answers += other.answers
        self.count += other.count

    def compute(self) -> Mapping[str, float]:
        """Shares of the images from 0 to 1, and the mean loss in nats."""
        sums = sum(self.batches, start=torch.zeros(3, dtype=torch.float64))
        top1, top5, loss = (sums / self.count).tolist()
        return {"top1": top1, "top5": top5, "loss": loss}

    def outcomes(self) -> Outcomes:
        """See `tasks.base.KeepsOutcomes`; the targets do not name their images."""
        truth, found, confidence = torch.cat(self.answers).T.numpy()
        return Outcomes(
            kind="classes",
            images=tuple(map(str, range(len(truth)))),
            arrays={
                "truth": truth.astype("int32"),
                "found": found.astype("int32"),
                "confidence": confidence.astype("float16"),
            },
        )


def _sums(logits: Tensor, labels: Tensor) -> Tensor:
    """Hits at first, hits among the first five, and the loss, each summed over a batch: (3,)."""
    nearest = logits.topk(min(5, logits.shape[1]), dim=1).indices  # (batch, up to 5)
    hits = nearest == labels[:, None]
    loss = F.cross_entropy(logits, labels, reduction="sum")
    return torch.stack([hits[:, 0].sum(), hits.sum(), loss]).double()


def _answers(logits: Tensor, labels: Tensor) -> Tensor:
    """See `Accuracy.answers`. The first of `topk`, as for the score: ties are broken alike."""
    found = logits.topk(min(5, logits.shape[1]), dim=1).indices[:, 0]
    confidence = logits.softmax(dim=1).gather(1, found[:, None])[:, 0]
    return torch.stack([labels.double(), found.double(), confidence.double()], dim=1)

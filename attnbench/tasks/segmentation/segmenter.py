"""A backbone with a segmentation head."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from attnbench.models.backbone import Backbone

MOST_MAPS = 4
"""Heads take the coarsest maps: convolutional networks also have one of stride 2."""


class Segmenter(nn.Module):
    """Logits of each class on a map of the image, a quarter of its size with the usual heads."""

    def __init__(self, backbone: Backbone, head: nn.Module, auxiliary: nn.Module | None = None):
        """Join them.

        Args:
            backbone: gives the maps.
            head: from the coarsest `MOST_MAPS` maps to logits (batch, classes, height, width).
            auxiliary: the same, for a second loss in training; it costs nothing in evaluation.
        """
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.auxiliary = auxiliary

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Sequence[Tensor]:
        """Logits of the head; in training those of the auxiliary head, too."""
        maps = self.backbone.features(images)[-MOST_MAPS:]
        logits = [self.head(maps)]
        if self.training and self.auxiliary is not None:
            logits.append(self.auxiliary(maps))
        return logits

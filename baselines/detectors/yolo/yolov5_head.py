"""YOLOv5's head, and what it says of its anchors.

Rebuilt from published layer tables; no code or weights of Ultralytics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import torch
from torch import Tensor, nn

from attnbench.tasks.detection.picodet.head import centres_of

ANCHORS = (
    ((10, 13), (16, 30), (33, 23)),
    ((30, 61), (62, 45), (59, 119)),
    ((116, 90), (156, 198), (373, 326)),
)
"""Width and height in pixels, for each level."""
NUM_ANCHORS = 3
PRIOR = 0.01
"""Score of every class, and of every object, before training."""
BOX = 4
SHORTEST = 1e-3
"""The smallest side in those of the anchor; a side of 0 has no ratio to another."""


class Yolov5Head(nn.Module):
    """One 1 × 1 convolution for each level."""

    def __init__(self, widths: Sequence[int], num_classes: int) -> None:
        super().__init__()
        self.num_outputs = BOX + 1 + num_classes
        self.levels = nn.ModuleList(_output(width, self.num_outputs) for width in widths)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """(batch, 3, 4 + 1 + classes, height, width) of each level: box, object, classes."""
        return [
            layer(one).unflatten(1, (NUM_ANCHORS, self.num_outputs))
            for layer, one in zip(self.levels, maps, strict=True)
        ]


def _output(width: int, num_outputs: int) -> nn.Conv2d:
    layer = nn.Conv2d(width, NUM_ANCHORS * num_outputs, 1)
    assert layer.bias is not None
    scores = layer.bias.detach().view(NUM_ANCHORS, num_outputs)[:, BOX:]
    nn.init.constant_(scores, log(PRIOR / (1 - PRIOR)))
    return layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What the head says of the places of one level, in float32.

    A place is an anchor in a cell; all cells of the first anchor come first, row by row.
    """

    boxes: Tensor
    """(batch, places, 4) in pixels: x1, y1, x2, y2."""
    objects: Tensor
    """Logits (batch, places) of there being an object."""
    classes: Tensor
    """Logits (batch, places, classes)."""
    centres: Tensor
    """x, y of the cell of each place in pixels, (places, 2)."""
    anchors: Tensor
    """Width and height in pixels, (3, 2)."""
    size: tuple[int, int]
    """Cells downwards and across."""
    stride: int
    """Pixels a cell."""


def level_of(output: Tensor, anchors: Sequence[tuple[int, int]], stride: int) -> Level:
    """Decode the outputs of one level."""
    raw = output.float().permute(0, 1, 3, 4, 2).flatten(1, 3)
    sizes = torch.tensor(anchors, dtype=raw.dtype, device=raw.device)
    centres = centres_of(output, stride).repeat(NUM_ANCHORS, 1)
    of_place = sizes.repeat_interleave(len(centres) // NUM_ANCHORS, dim=0)
    middle = centres + (2 * raw[..., :2].sigmoid() - 1) * stride
    half = of_place * (2 * raw[..., 2:BOX].sigmoid()).square().clamp(min=SHORTEST) / 2
    height, width = output.shape[-2:]
    return Level(
        boxes=torch.cat([middle - half, middle + half], dim=-1), objects=raw[..., BOX],
        classes=raw[..., BOX + 1 :], centres=centres, anchors=sizes, size=(height, width),
        stride=stride,
    )  # fmt: skip

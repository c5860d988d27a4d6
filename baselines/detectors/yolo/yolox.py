"""YOLOX: a YOLO without anchors (Ge et al. 2021, arXiv 2107.08430).

Departures: the L1 loss of the last epochs is left out, since a detector here does not know the
epoch. The recipe (mosaic, many scales, SGD) is the suite's own, the same for all models.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from attnbench.data.targets import Detections, Objects
from attnbench.tasks.detection.detector import Detector
from attnbench.tasks.detection.overlaps import overlap
from attnbench.tasks.detection.padding import Padded, padded
from attnbench.tasks.detection.suppression import best_boxes
from attnbench.tasks.whole_batch import divisor
from baselines.detectors.yolo.blocks import SpaceToDepth, conv
from baselines.detectors.yolo.trunk import YOLOX_DEPTHS, Neck, Trunk, scaled
from baselines.detectors.yolo.yolox_assignment import assign
from baselines.detectors.yolo.yolox_head import WIDTH, Cells, YoloxHead, cells_of

BOX_WEIGHT = 5.0
LEAST_SCORE = 0.01
OVERLAP = 0.65


class Yolox(Detector):
    """Trunk, neck and head."""

    def __init__(self, num_classes: int, *, width: float, separable: bool) -> None:
        super().__init__()
        widths = scaled(width)
        stem = nn.Sequential(SpaceToDepth(), conv(12, widths[0], 3))
        self.trunk = Trunk(stem, widths, YOLOX_DEPTHS, separable=separable, pool_first=True)
        self.neck = Neck(widths[-3:], YOLOX_DEPTHS[-1], separable=separable)
        self.head = YoloxHead(widths[-3:], num_classes, int(WIDTH * width), separable=separable)

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> list[Tensor]:
        """See `YoloxHead`."""
        return self.head(self.neck(self.trunk(images)))

    def loss(self, outputs: Sequence[Tensor], targets: Sequence[Objects]) -> Tensor:
        """See `yolox_loss`."""
        cells = cells_of(outputs)
        return yolox_loss(cells, padded(targets, cells.boxes.device))

    def detections(self, outputs: Sequence[Tensor], targets: Sequence[Objects]) -> list[Detections]:
        """Boxes with the product of the scores of object and class."""
        cells = cells_of(outputs)
        scores = cells.classes.sigmoid() * cells.objects.sigmoid()[..., None]
        return best_boxes(cells.boxes, scores, least_score=LEAST_SCORE, overlap=OVERLAP)


def yolox_loss(cells: Cells, objects: Padded) -> Tensor:
    """Boxes, objects and classes, over the number of cells that have an object; a scalar."""
    found = assign(cells, objects)
    picture, cell = found.positive.nonzero(as_tuple=True)
    which = found.matched[picture, cell]
    overlaps = overlap(cells.boxes[picture, cell], objects.boxes[picture, which])
    of_boxes = (1 - overlaps**2).sum()
    entropy = F.binary_cross_entropy_with_logits
    of_objects = entropy(cells.objects, found.positive.float(), reduction="none")
    logits = cells.classes[picture, cell]
    target = torch.zeros_like(logits)
    rows = torch.arange(len(cell), device=cell.device)
    target[rows, objects.labels[picture, which]] = overlaps.detach()
    of_classes = entropy(logits, target, reduction="sum")
    total = BOX_WEIGHT * of_boxes + (of_objects * ~found.ignored).sum() + of_classes
    return total / divisor(len(cell))


def create_yolox(
    num_classes: int = 80,
    img_size: int | tuple[int, int] = 416,
    *,
    width: float,
    separable: bool = False,
) -> Yolox:
    """Build a detector with fresh weights; it takes pictures of any size.

    Args:
        num_classes: classes to tell apart.
        img_size: not needed.
        width: channels, in those of YOLOX-L.
        separable: make 3 × 3 convolutions depthwise and 1 × 1, as YOLOX-Nano does.
    """
    return Yolox(num_classes, width=width, separable=separable)

"""YOLOv5, from its version 6 on.

Rebuilt from published layer tables; no code or weights of Ultralytics. The loss follows its
published description; it is the mean over pictures, so rates of other models fit. Cells in regions
of crowds are not told that they hold no object.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import complete_box_iou_loss

from attnbench.data.targets import Detections, Objects
from attnbench.tasks.detection.detector import Detector
from attnbench.tasks.detection.padding import Padded, contains, padded
from attnbench.tasks.detection.suppression import best_boxes
from attnbench.tasks.whole_batch import divisor
from baselines.detectors.yolo.blocks import conv
from baselines.detectors.yolo.trunk import DEPTHS, STRIDES, Neck, Trunk, scaled
from baselines.detectors.yolo.yolov5_assignment import matches_of
from baselines.detectors.yolo.yolov5_head import ANCHORS, Level, Yolov5Head, level_of

BOX_WEIGHT = 0.05
CLASS_WEIGHT = 0.5
"""Of 80 classes."""
BALANCE = (4.0, 1.0, 0.4)
"""Weights of the objects of each level."""
SIDE = 640
"""Pixels for which the weights are meant."""
LEAST_SCORE = 0.001
OVERLAP = 0.6


class Yolov5(Detector):
    """Trunk, neck and head."""

    def __init__(self, num_classes: int, *, width: float) -> None:
        super().__init__()
        widths = scaled(width)
        stem = conv(3, widths[0], 6, 2, padding=2)
        self.trunk = Trunk(stem, widths, DEPTHS, separable=False, pool_first=False)
        self.neck = Neck(widths[-3:], DEPTHS[-1], separable=False)
        self.head = Yolov5Head(widths[-3:], num_classes)

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> list[Tensor]:
        """See `Yolov5Head`."""
        return self.head(self.neck(self.trunk(images)))

    def loss(self, outputs: Sequence[Tensor], targets: Sequence[Objects]) -> Tensor:
        """The sum of the losses of the levels."""
        objects = padded(targets, outputs[0].device)
        losses = [
            loss_of_level(level, objects, balance)
            for level, balance in zip(_levels(outputs), BALANCE, strict=True)
        ]
        return torch.stack(losses).sum()

    def detections(self, outputs: Sequence[Tensor], targets: Sequence[Objects]) -> list[Detections]:
        """Boxes with the product of the scores of object and class."""
        levels = _levels(outputs)
        scores = [one.classes.sigmoid() * one.objects.sigmoid()[..., None] for one in levels]
        return best_boxes(
            torch.cat([one.boxes for one in levels], dim=1), torch.cat(scores, dim=1),
            least_score=LEAST_SCORE, overlap=OVERLAP,
        )  # fmt: skip


def _levels(outputs: Sequence[Tensor]) -> list[Level]:
    return [level_of(*one) for one in zip(outputs, ANCHORS, STRIDES, strict=True)]


def loss_of_level(level: Level, objects: Padded, balance: float) -> Tensor:
    """Boxes, objects and classes of one level, a scalar; objects learn the overlap of their box."""
    picture, place, which = matches_of(level, objects)
    truth = objects.boxes[picture, which]
    apart = complete_box_iou_loss(level.boxes[picture, place], truth)
    entropy = F.binary_cross_entropy_with_logits
    logits = level.classes[picture, place]
    of_classes = entropy(
        logits, F.one_hot(objects.labels[picture, which], logits.shape[1]).float(), reduction="sum"
    )
    target = _targets(level, picture, place, (1 - apart.detach()).clamp(min=0))
    inside = (contains(objects.boxes, level.centres) & objects.crowd[..., None]).any(1)
    of_objects = entropy(level.objects, target, reduction="none") * ~(inside & (target == 0))
    area = level.size[0] * level.size[1] * level.stride**2
    # A mean over the matches and the classes, times the number of classes in 80.
    matches = divisor(len(place))
    of_classes = CLASS_WEIGHT / 80 * of_classes / matches
    of_boxes = BOX_WEIGHT * apart.sum() / matches
    return of_boxes + of_classes + balance * area / SIDE**2 * of_objects.mean()


def _targets(level: Level, picture: Tensor, place: Tensor, overlaps: Tensor) -> Tensor:
    """What `level.objects` should be: the best overlap of a place, 0 where nothing is matched."""
    target = torch.zeros_like(level.objects).flatten()
    spots = picture * level.objects.shape[1] + place
    return target.scatter_reduce(0, spots, overlaps, "amax").view_as(level.objects)


def create_yolov5(
    num_classes: int = 80, img_size: int | tuple[int, int] = 640, *, width: float
) -> Yolov5:
    """Build a detector with fresh weights; it takes pictures of any size.

    Args:
        num_classes: classes to tell apart.
        img_size: not needed.
        width: channels, in those of YOLOv5-L.
    """
    return Yolov5(num_classes, width=width)

"""Detectors of torchvision behind the contract of `Detector`.

torchvision's models scale and normalise pictures, and return losses or boxes. Here the suite has
done the first, and the second is taken apart: the network gives plain tensors, from which
torchvision's own code makes the loss. Duplicates are removed by the suite, as for all detectors.
Regions of crowds are left out of the targets; cells inside them count as background.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import box_iou

from attnbench.data.targets import Detections, Objects
from attnbench.errors import UserError
from attnbench.tasks.detection.detector import Detector
from attnbench.tasks.detection.suppression import best_boxes
from attnbench.tasks.whole_batch import divisor, in_whole_batch

COARSEST = 512
"""Stride of the last map of SSDLite."""

Outputs = Mapping[str, Any]
"""`head`: the tensors of torchvision's head, (batch, anchors, …) each; `sizes`: the images and maps
without their channels, which say how large they were."""
Truth = list[dict[str, Tensor]]
"""Targets as torchvision takes them: `boxes` and `labels` of each picture."""


class TorchvisionDetector(Detector):
    """One of torchvision's detectors with a single stage."""

    first_label = 0
    """torchvision's number of the first class; SSD counts the background as class 0."""
    model: Any

    def __init__(self, model: nn.Module) -> None:
        """Wrap it."""
        super().__init__()
        self.model = model

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> dict[str, Any]:
        """See `Outputs`."""
        maps = list(self.model.backbone(images).values())
        sizes = [one[:, :0] for one in (images, *maps)]
        return {"head": dict(self.model.head(maps)), "sizes": sizes}

    def loss(self, outputs: Outputs, targets: Sequence[Objects]) -> Tensor:
        """The sum of torchvision's losses."""
        head = _float(outputs["head"])
        device = head["cls_logits"].device
        truth = [self._truth(one, device) for one in targets]
        losses = self._losses(head, self._anchors(outputs), truth)
        return torch.stack(list(losses.values())).sum()

    def detections(self, outputs: Outputs, targets: Sequence[Objects]) -> list[Detections]:
        """By torchvision's least score and overlap of a duplicate."""
        head = _float(outputs["head"])
        anchors = torch.cat(self._anchors(outputs))
        return best_boxes(
            self._boxes(head["bbox_regression"], anchors), self._scores(head),
            least_score=self.model.score_thresh, overlap=self.model.nms_thresh,
        )  # fmt: skip

    @abstractmethod
    def _losses(
        self, head: dict[str, Tensor], anchors: list[Tensor], truth: Truth
    ) -> dict[str, Tensor]:
        """The losses by torchvision, scalars."""

    @abstractmethod
    def _scores(self, head: dict[str, Tensor]) -> Tensor:
        """(batch, anchors, classes) from 0 to 1."""

    def _boxes(self, codes: Tensor, anchors: Tensor) -> Tensor:
        """(batch, anchors, 4) in pixels."""
        batch = len(codes)
        boxes = self.model.box_coder.decode_single(codes.flatten(0, 1), anchors.repeat(batch, 1))
        return boxes.unflatten(0, (batch, -1))

    def _anchors(self, outputs: Outputs) -> list[Tensor]:
        """Boxes (anchors, 4) in pixels of each level, the same for all pictures."""
        # Always in float32: sixteen bits do not tell neighbouring pixels apart.
        image, *maps = (
            one.new_empty((1, 1, *one.shape[-2:]), dtype=torch.float32) for one in outputs["sizes"]
        )
        (anchors,) = self.model.anchor_generator(ImageList(image, [tuple(image.shape[-2:])]), maps)
        numbers = self.model.anchor_generator.num_anchors_per_location()
        cells = [one.shape[-2] * one.shape[-1] for one in maps]
        counts = [number * count for number, count in zip(numbers, cells, strict=True)]
        return list(anchors.split(counts))

    def _truth(self, target: Objects, device: torch.device) -> dict[str, Tensor]:
        wanted = ~target.crowd
        boxes, labels = target.boxes[wanted], target.labels[wanted] + self.first_label
        return {"boxes": boxes.to(device), "labels": labels.to(device)}


class Fcos(TorchvisionDetector):
    """FCOS (Tian et al. 2019, arXiv 1904.01355)."""

    def _losses(
        self, head: dict[str, Tensor], anchors: list[Tensor], truth: Truth
    ) -> dict[str, Tensor]:
        counts, found = [len(one) for one in anchors], []
        own = self.model.head.compute_loss

        def watched(truth: Truth, head: Any, anchors: Any, matched: list[Tensor]) -> Any:
            found.extend(matched)
            return own(truth, head, anchors, matched)

        self.model.head.compute_loss = watched
        try:
            boxes = [torch.cat(anchors)] * len(truth)
            losses = self.model.compute_loss(truth, head, boxes, counts)
        finally:
            del self.model.head.compute_loss
        return _over_whole_batch(losses, found)

    def _boxes(self, codes: Tensor, anchors: Tensor) -> Tensor:
        return self.model.box_coder.decode(codes, anchors.expand(len(codes), -1, -1))

    def _scores(self, head: dict[str, Tensor]) -> Tensor:
        return (head["cls_logits"].sigmoid() * head["bbox_ctrness"].sigmoid()).sqrt()


class RetinaNet(TorchvisionDetector):
    """RetinaNet (Lin et al. 2017, arXiv 1708.02002)."""

    def _losses(
        self, head: dict[str, Tensor], anchors: list[Tensor], truth: Truth
    ) -> dict[str, Tensor]:
        return self.model.compute_loss(truth, head, [torch.cat(anchors)] * len(truth))

    def _scores(self, head: dict[str, Tensor]) -> Tensor:
        return head["cls_logits"].sigmoid()


class Ssd(TorchvisionDetector):
    """SSD (Liu et al. 2016, arXiv 1512.02325); a picture without objects teaches it nothing."""

    first_label = 1

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> dict[str, Any]:
        """See `Outputs`.

        Raises:
            UserError: one small image in training: BatchNorm has one value for each channel of the
                coarsest map.
        """
        one = in_whole_batch(len(images)) == 1
        if self.training and one and max(images.shape[-2:]) <= COARSEST:
            raise UserError(
                "ssdlite expects at least 2 images a step in training, got 1: its coarsest map is "
                f"1 × 1 up to {COARSEST} px, and BatchNorm has one value a channel; "
                "raise --batch-size"
            )
        return super().forward(images)

    def _losses(
        self, head: dict[str, Tensor], anchors: list[Tensor], truth: Truth
    ) -> dict[str, Tensor]:
        boxes = torch.cat(anchors)
        matched = [self._matched(one["boxes"], boxes) for one in truth]
        losses = self.model.compute_loss(truth, head, [boxes] * len(truth), matched)
        return _over_whole_batch(losses, matched)

    def _matched(self, boxes: Tensor, anchors: Tensor) -> Tensor:
        """The object of each anchor, int64 (anchors,); -1 for none."""
        if not len(boxes):
            return torch.full((len(anchors),), -1, device=anchors.device)
        return self.model.proposal_matcher(box_iou(boxes, anchors))

    def _scores(self, head: dict[str, Tensor]) -> Tensor:
        return head["cls_logits"].softmax(-1)[..., 1:]


def _over_whole_batch(losses: dict[str, Tensor], matched: list[Tensor]) -> dict[str, Tensor]:
    """Losses of torchvision's, which it divides by the matches that it sees.

    Args:
        losses: scalars.
        matched: the object of each anchor of each picture, negative for none.
    """
    count = sum(int((one >= 0).sum()) for one in matched)
    factor = max(1, count) / divisor(count)
    return {name: one * factor for name, one in losses.items()}


def _float(head: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: one.float() for name, one in head.items()}


NO_WEIGHTS: dict[str, Any] = {"weights": None, "weights_backbone": None, "progress": False}

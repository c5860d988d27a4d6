"""Detection behind the contract of `tasks.base`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from torch import Tensor, nn
from torchvision.ops import clip_boxes_to_image

from attnbench.data.targets import Detections, Objects
from attnbench.errors import UserError
from attnbench.models.backbone import Backbone, FeatureInfo
from attnbench.spec import Recipe
from attnbench.tasks.base import Task, Transform
from attnbench.tasks.detection.detector import Detector
from attnbench.tasks.detection.metric import BoxScores
from attnbench.tasks.detection.pictures import in_original
from attnbench.tasks.detection.transforms import SCALES, augment, only_normalise


class Detection(Task):
    """Boxes around objects."""

    name: ClassVar[str] = "detection"

    def head(self, feature_info: Sequence[FeatureInfo], num_classes: int) -> nn.Module:
        """PicoDet's neck and head, in the sizes of PicoDet-S."""
        from attnbench.tasks.detection.picodet.model import PicoDet

        return PicoDet(_GivenMaps(feature_info), num_classes, neck_dim=96, depth=2)

    def loss(
        self, model: nn.Module, outputs: Any, targets: Sequence[Objects], recipe: Recipe
    ) -> Tensor:
        """The detector's own loss."""
        return _detector(model).loss(outputs, targets)

    def predict(
        self, model: nn.Module, outputs: Any, targets: Sequence[Objects]
    ) -> list[Detections]:
        """The detections of each picture in pixels of the original, cut at its border."""
        found = _detector(model).detections(outputs, targets)
        return [_placed(*pair) for pair in zip(found, targets, strict=True)]

    def metric(self, class_names: Sequence[str]) -> BoxScores:
        """COCO's average precision."""
        return BoxScores(class_names)

    def transforms(self, recipe: Recipe, *, train: bool) -> Transform:
        """Random scales, places, flips and brightness if `train`; always normalisation."""
        if not train:
            return only_normalise
        return partial(augment, flip=recipe.flip, scales=recipe.scales or SCALES)


def _placed(found: Detections, objects: Objects) -> Detections:
    boxes = in_original(found.boxes.float(), objects)
    return replace(found, boxes=clip_boxes_to_image(boxes, objects.size))


def _detector(model: nn.Module) -> Detector:
    if not isinstance(model, Detector):
        raise UserError(
            f"detection expects a detector, got {type(model).__name__}; `attnbench list models` "
            "shows them, and picodet:NAME builds one over any backbone"
        )
    return model


class _GivenMaps(Backbone):
    """Takes maps for images: the backbone of a head that stands alone."""

    def __init__(self, feature_info: Sequence[FeatureInfo]) -> None:
        super().__init__()
        self.feature_info = feature_info

    def features(self, images: Any) -> list[Any]:
        return list(images)

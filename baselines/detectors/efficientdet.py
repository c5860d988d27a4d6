"""EfficientDet-D0 to D2 (Tan et al. 2020, arXiv 1911.09070), as the package effdet has them.

https://github.com/rwightman/efficientdet-pytorch (Apache-2.0), an optional extra. Network, anchors,
targets and loss are effdet's. Pictures of other sizes than the model's are filled up to a multiple
of its coarsest stride. Regions of crowds are left out of the targets.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from attnbench.data.targets import Detections, Objects
from attnbench.errors import UserError
from attnbench.tasks.detection.detector import Detector
from attnbench.tasks.detection.suppression import best_boxes
from attnbench.tasks.whole_batch import divisor
from baselines.detectors.images import filled_up

BOX = 4
LEAST_SCORE = 0.001
OVERLAP = 0.5
MATCH = 0.5
"""Least overlap of an anchor with its object."""
LONGEST = 5.0
"""The largest logarithm of a side in those of the anchor; far above it `exp` would be infinite."""
TURNED = [1, 0, 3, 2]
"""From x1, y1, x2, y2 to y1, x1, y2, x2, which effdet expects, and back."""


class EfficientDet(Detector):
    """One of effdet's networks."""

    def __init__(self, effdet_name: str, num_classes: int, img_size: tuple[int, int]) -> None:
        """Build it with fresh weights."""
        super().__init__()
        effdet = effdet_package()
        self.num_classes = num_classes
        config = effdet.get_efficientdet_config(effdet_name)
        self.coarsest = 2**config.max_level
        self.model = effdet.create_model(
            effdet_name, num_classes=num_classes, pretrained_backbone=False,
            image_size=tuple(-(-side // self.coarsest) * self.coarsest for side in img_size),
        )  # fmt: skip
        self._take_any_size()

    def _take_any_size(self) -> None:
        """Maps are enlarged to twice their size, not to the sizes of one picture."""
        interpolate = effdet_package().efficientdet.Interpolate2d
        for module in self.model.modules():
            if isinstance(module, interpolate):
                module.size, module.scale_factor = None, 2.0

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> dict[str, list[Tensor]]:
        """`classes` and `boxes` of each level: (batch, anchors · (classes or 4), height, width)."""
        classes, boxes = self.model(filled_up(images, self.coarsest))
        return {"classes": list(classes), "boxes": list(boxes)}

    def loss(self, outputs: dict[str, list[Tensor]], targets: Sequence[Objects]) -> Tensor:
        """Focal loss of the classes, and Huber loss of the boxes."""
        device = outputs["boxes"][0].device
        effdet = effdet_package()
        labeler = effdet.anchors.AnchorLabeler(self._anchors(outputs), self.num_classes, MATCH)
        wanted = [~one.crowd for one in targets]
        classes, boxes, positives = labeler.batch_label_anchors(
            [
                _turned(one.boxes[keep]).to(device)
                for one, keep in zip(targets, wanted, strict=True)
            ],
            [one.labels[keep].to(device) + 1 for one, keep in zip(targets, wanted, strict=True)],
        )
        measure = effdet.loss.DetectionLoss(self.model.config)
        # effdet divides by one more than the positives of the batch.
        positives = divisor(positives.sum(), least=0.0, plus=1.0)[None] - 1.0
        total, _, _ = measure(outputs["classes"], outputs["boxes"], classes, boxes, positives)
        return total

    def detections(
        self, outputs: dict[str, list[Tensor]], targets: Sequence[Objects]
    ) -> list[Detections]:
        """Boxes of the anchors with the scores of their classes."""
        anchors = self._anchors(outputs).boxes
        codes = _joined(outputs["boxes"], BOX)
        batch = len(codes)
        scores = _joined(outputs["classes"], self.num_classes).sigmoid()
        flat = codes.clamp(max=LONGEST).flatten(0, 1)
        boxes = effdet_package().anchors.decode_box_outputs(flat, anchors.repeat(batch, 1), True)
        return best_boxes(
            boxes.unflatten(0, (batch, -1)), scores, least_score=LEAST_SCORE, overlap=OVERLAP
        )  # fmt: skip

    def _anchors(self, outputs: dict[str, list[Tensor]]) -> Any:
        """Boxes of effdet for pictures of the size that these outputs had."""
        config, finest = self.model.config, outputs["boxes"][0]
        size = tuple(side * 2**config.min_level for side in finest.shape[-2:])
        anchors = effdet_package().anchors.Anchors(
            config.min_level, config.max_level, config.num_scales, config.aspect_ratios,
            config.anchor_scale, size,
        )  # fmt: skip
        return anchors.to(finest.device)


def _turned(boxes: Tensor) -> Tensor:
    return boxes[:, TURNED]


def _joined(levels: Sequence[Tensor], width: int) -> Tensor:
    """The outputs of all anchors in float32, (batch, anchors, width)."""
    flat = [one.float().permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, width)) for one in levels]
    return torch.cat(flat, dim=1)


@cache
def effdet_package() -> ModuleType:
    """The package effdet.

    Raises:
        UserError: it is not installed.
    """
    try:
        with warnings.catch_warnings():
            # It compiles a function when it is imported, which torch now warns about.
            warnings.simplefilter("ignore", FutureWarning)
            import effdet
            import effdet.anchors
            import effdet.efficientdet
            import effdet.loss
    except ImportError as error:
        raise UserError(
            f"efficientdet expects the package effdet, and importing it failed ({error}); "
            "install the extra: pip install 'attnbench[effdet]'"
        ) from error
    return effdet


def create_efficientdet(
    num_classes: int = 90, img_size: int | tuple[int, int] = 512, *, effdet_name: str
) -> EfficientDet:
    """Build a detector with fresh weights; it takes pictures of any size.

    Args:
        num_classes: classes to tell apart.
        img_size: pixels, side or (height, width).
        effdet_name: effdet's name of the model.

    Raises:
        UserError: effdet is not installed.
    """
    height, width = (img_size, img_size) if isinstance(img_size, int) else img_size
    return EfficientDet(effdet_name, num_classes, (height, width))

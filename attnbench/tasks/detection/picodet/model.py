"""PicoDet over any backbone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor

from attnbench.data.targets import Detections, Objects
from attnbench.models.backbone import Backbone
from attnbench.models.under_head import backbone_with, row_over
from attnbench.registry import Entry
from attnbench.tasks.detection.detector import Detector
from attnbench.tasks.detection.padding import padded
from attnbench.tasks.detection.picodet.csp_pan import CSPPAN
from attnbench.tasks.detection.picodet.head import PicoHead, cells_of
from attnbench.tasks.detection.picodet.losses import picodet_loss
from attnbench.tasks.detection.suppression import best_boxes


class PicoDet(Detector):
    """A backbone, CSP-PAN, and a head without anchors."""

    def __init__(self, backbone: Backbone, num_classes: int, *, neck_dim: int, depth: int) -> None:
        """Build it.

        Args:
            backbone: gives the maps; the coarsest three are used.
            num_classes: classes to tell apart.
            neck_dim: channels of neck and head.
            depth: convolutions of the head, for each level.
        """
        super().__init__()
        self.num_classes = num_classes
        self.backbone = backbone
        self.neck = CSPPAN(backbone.feature_info, neck_dim)
        self.head = PicoHead(len(self.neck.strides), num_classes, neck_dim, depth)

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> list[Tensor]:
        """Logits of each level, see `PicoHead`."""
        return self.head(self.neck(self.backbone.features(images)))

    def loss(self, outputs: Sequence[Tensor], targets: Sequence[Objects]) -> Tensor:
        """See `picodet_loss`."""
        cells = cells_of(outputs, self.neck.strides, self.num_classes)
        return picodet_loss(cells, padded(targets, cells.classes.device))

    def detections(self, outputs: Sequence[Tensor], targets: Sequence[Objects]) -> list[Detections]:
        """Expected boxes with the scores of their classes."""
        cells = cells_of(outputs, self.neck.strides, self.num_classes)
        return best_boxes(cells.boxes, cells.classes.sigmoid())


def create_picodet(
    num_classes: int = 80,
    img_size: int | tuple[int, int] = 320,
    *,
    backbone: str,
    neck_dim: int = 96,
    depth: int = 2,
    attention: str | None = None,
    attention_options: Mapping[str, Any] | None = None,
    backbone_options: Mapping[str, Any] | None = None,
) -> PicoDet:
    """Build a detector with fresh weights.

    Args:
        num_classes: classes to tell apart.
        img_size: pixels, side or (height, width), that the backbone is built for.
        backbone: name of a model that gives maps, `timm:NAME` included.
        neck_dim: channels of neck and head.
        depth: convolutions of the head, for each level.
        attention: mechanism inside the backbone; in ESNet that of its last stage.
        attention_options: options of that mechanism.
        backbone_options: further options of the backbone.

    Raises:
        UserError: the backbone gives no maps.
    """
    trunk = backbone_with(backbone, img_size, attention, attention_options, backbone_options)
    return PicoDet(trunk, num_classes, neck_dim=neck_dim, depth=depth)


def picodet_over(backbone: str) -> Entry:
    """The row of a name such as "picodet:timm:resnet18"."""
    return row_over(
        backbone, "picodet", target="attnbench.tasks.detection.picodet.model:create_picodet",
        task="detection", options={},
    )  # fmt: skip

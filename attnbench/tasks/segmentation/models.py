"""Segmentation models by name: a head over any backbone, such as "uper-net:timm:resnet50"."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from torch import nn

from attnbench.errors import UserError
from attnbench.models.backbone import Backbone, FeatureInfo
from attnbench.models.under_head import backbone_with, row_over
from attnbench.registry import Entry
from attnbench.tasks.segmentation import semantic_fpn, uper_net
from attnbench.tasks.segmentation.segmenter import MOST_MAPS, Segmenter

Head = Literal["semantic-fpn", "uper-net"]
HEADS: Mapping[str, tuple[Callable[[Sequence[FeatureInfo], int, int], nn.Module], int]] = {
    "semantic-fpn": (semantic_fpn.SemanticFPN, semantic_fpn.WIDTH),
    "uper-net": (uper_net.UperNet, uper_net.WIDTH),
}
"""Each head and its published width."""


def create_segmenter(
    num_classes: int = 150,
    img_size: int | tuple[int, int] = 512,
    *,
    backbone: str,
    head: Head = "semantic-fpn",
    head_width: int | None = None,
    norm_maps: bool = False,
    attention: str | None = None,
    attention_options: Mapping[str, Any] | None = None,
) -> Segmenter:
    """Build a segmentation model with fresh weights.

    Args:
        num_classes: classes to tell apart.
        img_size: pixels, side or (height, width), that the backbone is built for.
        backbone: name of a model that gives maps, `timm:NAME` included.
        head: "semantic-fpn" or "uper-net"; the latter has an auxiliary head for training.
        head_width: channels of the head; by default the published ones.
        norm_maps: normalise each map before the head, as backbones without a norm at the end of
            their stages need it (Swin, DAT, Focal).
        attention: mechanism inside a trunk of ours.
        attention_options: options of that mechanism.

    Raises:
        UserError: the backbone gives no maps, or strides that the head does not take.
    """
    if head not in HEADS:
        raise UserError(f"head must be one of {', '.join(HEADS)}, got {head!r}")
    trunk = backbone_with(backbone, img_size, attention, attention_options)
    build, published = HEADS[head]
    width = head_width or published
    info = trunk.feature_info[-MOST_MAPS:]
    auxiliary = (
        uper_net.AuxiliaryHead(info, num_classes, width // 2) if head == "uper-net" else None
    )
    return Segmenter(
        NormedMaps(trunk) if norm_maps else trunk, build(info, num_classes, width), auxiliary
    )


def semantic_fpn_over(backbone: str) -> Entry:
    """The row of a name such as "semantic-fpn:pyramid-t"."""
    return _row("semantic-fpn", backbone)


def uper_net_over(backbone: str) -> Entry:
    """The row of a name such as "uper-net:timm:resnet50"."""
    return _row("uper-net", backbone)


def _row(head: str, backbone: str) -> Entry:
    return row_over(
        backbone, head, target="attnbench.tasks.segmentation.models:create_segmenter",
        task="segmentation", options={"head": head},
    )  # fmt: skip


class NormedMaps(Backbone):
    """A backbone with a LayerNorm over the channels of each map."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone
        self.feature_info = backbone.feature_info
        self.norms = nn.ModuleList(nn.LayerNorm(info.channels) for info in self.feature_info)

    def features(self, images: Any) -> list[Any]:
        """The maps, normalised at each place."""
        maps = self.backbone.features(images)
        return [
            norm(one.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
            for norm, one in zip(self.norms, maps, strict=True)
        ]

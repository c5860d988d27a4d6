"""The backbone contract: maps agree with `feature_info` at any size, and gradients flow."""

from math import ceil, floor

import pytest
import torch
from torch import nn

from attnbench.errors import UserError
from attnbench.models.backbone import Backbone
from attnbench.models.factory import create_backbone
from attnbench.models.pyramid import Pyramid
from attnbench.models.vit import VisionTransformer
from attnbench.registry import MODELS, register_model

SMALL_PYRAMID = {"dims": (8, 16, 24, 32), "depths": (1, 2, 1, 1), "head_width": 8}
SMALL_VIT = {"dim": 24, "depth": 3, "num_heads": 3, "patch_size": 4}


def agrees(backbone, batch, sides):
    """Shapes of the maps follow from `feature_info`; sides are rounded up or down."""
    maps = backbone.features(torch.randn(batch, 3, *sides))
    assert len(maps) == len(backbone.feature_info) > 0
    for one, info in zip(maps, backbone.feature_info, strict=True):
        assert one.shape[:2] == (batch, info.channels)
        for side, pixels in zip(one.shape[2:], sides, strict=True):
            assert floor(pixels / info.stride) <= side <= ceil(pixels / info.stride)
    return maps


BACKBONES = {
    "vit": (lambda: VisionTransformer(0, 16, **SMALL_VIT), [(16, 16), (12, 28), (36, 20)]),
    "vit with tokens": (
        lambda: VisionTransformer(
            0, (16, 24), class_token=True, distillation_token=True, out_indices=(0, -1), **SMALL_VIT
        ),
        [(16, 24), (24, 16), (20, 12)],
    ),
    "anchor vit": (
        lambda: VisionTransformer(0, 16, attention="anchor", **SMALL_VIT),
        [(16, 16), (20, 12)],
    ),
    "pyramid": (lambda: Pyramid(0, **SMALL_PYRAMID), [(64, 64), (37, 50), (33, 71)]),
    "pyramid for small images": (
        lambda: Pyramid(0, stem_stride=2, attention="window", **SMALL_PYRAMID),
        [(32, 32), (19, 35)],
    ),
    "swin-t": (lambda: create_backbone("swin-t"), [(64, 64), (37, 50)]),
    "pvt-t": (lambda: create_backbone("pvt-t", (64, 96)), [(64, 96), (96, 32)]),
    "timm:resnet18": (lambda: create_backbone("timm:resnet18"), [(64, 64), (37, 75)]),
    "timm:test_vit": (lambda: create_backbone("timm:test_vit", 64), [(64, 64), (96, 48)]),
    "timm:swin_tiny_patch4_window7_224": (
        lambda: create_backbone("timm:swin_tiny_patch4_window7_224"),
        [(64, 64), (100, 76)],
    ),
}


@pytest.mark.parametrize("name", BACKBONES)
def test_maps_agree_with_feature_info_at_odd_sizes_and_gradients_flow(name):
    build, sizes = BACKBONES[name]
    backbone = build()
    assert isinstance(backbone, Backbone)
    for batch, sides in enumerate(sizes, start=2):
        maps = agrees(backbone, batch, sides)
    sum(one.square().mean() for one in maps).backward()
    without = {name for name, p in backbone.named_parameters() if p.grad is None}
    # The last block's class token is read by the classifier alone, its maps by all else.
    assert without <= {"stages.3.cls_token"}
    assert not any(isinstance(m, nn.Linear) and m.out_features == 0 for m in backbone.modules())


SMALL = [
    row.name for row in MODELS.list() if row.name[-2:] == "-t" and row.task == "classification"
]


@pytest.mark.parametrize("name", SMALL)
def test_every_small_model_of_the_table_is_a_backbone(name):
    with torch.device("meta"):
        backbone = create_backbone(name)
    assert backbone.feature_info[-1].stride in (16, 32)


def test_a_backbone_called_as_a_model_gives_what_a_classifier_would_read():
    images = torch.randn(2, 3, 64, 64)
    for name in ("vit-t", "pyramid-t", "swin-t", "pvt-t", "timm:resnet18"):
        backbone = create_backbone(name, 64)
        assert backbone(images).shape == (2, backbone.feature_info[-1].channels)


def test_a_model_without_maps_is_refused_by_name():
    @register_model("test-blind", family="none")
    def blind(num_classes, img_size):
        return nn.Flatten()

    try:
        with pytest.raises(UserError, match=r"'test-blind' gives no maps.*take a vit"):
            create_backbone("test-blind")
    finally:
        del MODELS._entries["test-blind"]

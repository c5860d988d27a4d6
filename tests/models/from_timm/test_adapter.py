"""timm's models as backbones (`test_backbone.py` tests what all backbones share)."""

import pytest
import torch

from attnbench.errors import UserError
from attnbench.models.backbone import FeatureInfo
from attnbench.models.factory import create_backbone


def test_channels_and_strides_are_timm_s():
    backbone = create_backbone("timm:resnet18")
    assert list(backbone.feature_info) == [
        FeatureInfo(channels=channels, stride=stride)
        for channels, stride in [(64, 2), (64, 4), (128, 8), (256, 16), (512, 32)]
    ]


def test_maps_with_channels_last_are_turned():
    with torch.device("meta"):
        backbone = create_backbone("timm:mambaout_femto", 64)
        maps = backbone.features(torch.empty(2, 3, 64, 64))
    assert [one.shape[1] for one in maps] == [info.channels for info in backbone.feature_info]


def test_a_family_of_one_size_says_what_it_was_built_for():
    backbone = create_backbone("timm:gcvit_xxtiny", 64)
    with pytest.raises(UserError, match="built for images of 64 × 64 px and does not work on 96"):
        backbone.features(torch.randn(1, 3, 96, 96))


def test_the_baselines_from_timm_are_backbones_too():
    with torch.device("meta"):
        ours, theirs = create_backbone("timm-pvt-v2-b0"), create_backbone("timm:pvt_v2_b0")
    assert ours.feature_info == theirs.feature_info

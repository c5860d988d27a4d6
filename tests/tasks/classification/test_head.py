import torch

from attnbench.models.backbone import FeatureInfo
from attnbench.models.pyramid import Pyramid
from attnbench.tasks.classification.task import Classification


def test_on_the_maps_of_the_pyramid_it_is_the_pyramids_own_head():
    model = Pyramid(5, dims=(8, 16, 24, 32), depths=(1, 1, 1, 1), head_width=8).eval()
    strides = (4, 8, 16, 32)
    feature_info = [
        FeatureInfo(channels=dim, stride=stride)
        for dim, stride in zip((8, 16, 24, 32), strides, strict=True)
    ]
    head = Classification().head(feature_info, 5)
    head.linear.load_state_dict(model.head.state_dict())
    images = torch.randn(2, 3, 40, 56)
    assert torch.equal(head(model.features(images)), model(images))

"""The backbones of the paper's segmentation table: published sizes, any image, maps for a head."""

import pytest
import torch

from attnbench.models.factory import create_backbone, create_model
from attnbench.profiling.counting.macs import count_forward_macs

slow = pytest.mark.slow


def counted(build, name, height, width):
    """Parameters, and 10⁹ multiply-adds at this size."""
    with torch.device("meta"):
        model = build(name, img_size=(height, width)).eval()
        images = torch.empty(1, 3, height, width)
    params = sum(p.numel() for p in model.parameters())
    return params, count_forward_macs(model, (images,)).products_macs / 1e9


@pytest.mark.parametrize(
    ("name", "params", "giga_macs"),
    # Parameters and products of the authors' code at 224 px with 1000 classes.
    [
        ("rmt-t", 14_334_216, 2.6372),
        pytest.param("rmt-s", 26_967_240, 4.7766, marks=slow),
        pytest.param("rmt-b", 54_154_896, 10.3731, marks=slow),
        pytest.param("rmt-l", 95_464_864, 19.4880, marks=slow),
    ],
)
def test_a_classifier_has_the_published_size(name, params, giga_macs):
    found, giga = counted(create_model, name, 224, 224)
    assert found == params
    assert giga == pytest.approx(giga_macs, abs=6e-5)


@pytest.mark.parametrize(
    ("name", "mega_params", "giga_macs"),
    [
        pytest.param("rmt-t", 12.78, 133.1, marks=slow),
        pytest.param("rmt-s", 25.41, 126.1, marks=slow),
    ],
)
def test_a_backbone_is_counted_at_the_size_of_the_segmentation_table(name, mega_params, giga_macs):
    params, giga = counted(create_backbone, name, 512, 2048)
    assert params / 1e6 == pytest.approx(mega_params, abs=6e-3)
    assert giga == pytest.approx(giga_macs, abs=0.06)


def small(name):
    """The smallest size of a family, with its first block of each stage alone."""
    torch.manual_seed(0)
    model = create_model(name, 5)
    stages = model.stages if hasattr(model, "stages") else [one.blocks for one in model.layers]
    for stage in stages:
        del stage[2:]
    return model


@pytest.mark.parametrize("name", ["rmt-t"])
def test_maps_have_the_declared_channels_and_strides_on_odd_images(name):
    model = small(name).eval()
    with torch.inference_mode():
        maps = model.features(torch.randn(1, 3, 50, 37))
    for one, info in zip(maps, model.feature_info, strict=True):
        rounded_up = (info.channels, -(-50 // info.stride), -(-37 // info.stride))
        assert tuple(one.shape[1:]) == rounded_up


@pytest.mark.parametrize("name", ["rmt-t"])
def test_every_parameter_learns(name):
    model = small(name)
    logits = model(torch.randn(2, 3, 50, 37))
    logits.square().sum().backward()
    assert logits.shape == (2, 5)
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_the_largest_rmt_starts_as_its_convolutions():
    block = create_model("rmt-l", 5).stages[2][0]
    assert block.scale1.shape == (448,)
    assert float(block.scale2.detach().max()) == pytest.approx(1e-6)

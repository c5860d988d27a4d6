"""The rebuilt pyramids: published sizes, any image, maps for a head."""

from math import prod

import pytest
import torch
from model_counts import giga_macs_of, parameters_of, size_by_torch

from attnbench.models.factory import create_backbone, create_model
from attnbench.profiling.counting.macs import count_forward_macs
from attnbench.tasks.segmentation.models import create_segmenter

slow = pytest.mark.slow
BETWEEN = {"rmt-s", "rmt-b", "dat-s", "focal-s", "cswin-s", "biformer-s", "slideformer-s"}
"""Of the sizes between the smallest and the largest, products are counted with `--thorough`."""


@pytest.mark.parametrize(
    ("name", "params", "giga_macs"),
    # Parameters and products of the authors' code at 224 px with 1000 classes.
    [
        ("rmt-t", 14_334_216, 2.6372),
        pytest.param("rmt-s", 26_967_240, 4.7766, marks=slow),
        pytest.param("rmt-b", 54_154_896, 10.3731, marks=slow),
        pytest.param("rmt-l", 95_464_864, 19.4880, marks=slow),
        ("dat-t", 28_319_138, 4.5635),
        pytest.param("dat-s", 49_700_402, 8.9587, marks=slow),
        pytest.param("dat-b", 87_881_632, 15.7214, marks=slow),
        ("focal-t", 28_881_724, 4.9532),
        pytest.param("focal-s", 51_143_284, 9.4804, marks=slow),
        pytest.param("focal-b", 89_817_192, 16.4358, marks=slow),
        ("cswin-t", 22_320_552, 4.3242),
        pytest.param("cswin-s", 34_643_304, 6.8007, marks=slow),
        pytest.param("cswin-b", 77_382_184, 14.9553, marks=slow),
        ("biformer-t", 13_142_760, 2.2159),
        pytest.param("biformer-s", 25_536_232, 4.4636, marks=slow),
        pytest.param("biformer-b", 56_804_968, 9.7590, marks=slow),
        ("slideformer-t", 12_202_654, 2.0188),
        ("slideformer-s", 22_689_163, 3.9622),
        ("slideformer-b", 87_948_704, 16.2342),
        ("slideformer-b-w7", 87_775_904, 15.5080),
    ],
)
def test_a_classifier_has_the_published_size(name, params, giga_macs, request):
    with torch.device("meta"):
        model = create_model(name).eval()
    assert parameters_of(model) == params
    if name not in BETWEEN or request.config.getoption("--thorough") > 1:
        assert giga_macs_of(model, 224, 224) == pytest.approx(giga_macs, abs=6e-5)


@pytest.mark.parametrize(
    ("name", "mega_params", "giga_macs"),
    [
        pytest.param("rmt-t", 12.78, 133.1, marks=slow),
        pytest.param("rmt-s", 25.41, 126.1, marks=slow),
        pytest.param("dat-t", 27.55, 136.7, marks=slow),
        pytest.param("focal-t", 28.11, 109.5, marks=slow),
    ],
)
def test_a_backbone_is_counted_at_the_size_of_the_segmentation_table(name, mega_params, giga_macs):
    params, giga = size_by_torch(create_backbone, name, 512, 2048)
    giga += projections_of_padding(name, 512, 2048) / 1e9
    assert params / 1e6 == pytest.approx(mega_params, abs=6e-3)
    assert giga == pytest.approx(giga_macs, abs=0.06)


@pytest.mark.parametrize(
    ("head", "name", "mega_params"),
    [
        ("semantic-fpn", "dat-t", 31.92),
        ("uper-net", "focal-t", 60.54),
        ("uper-net", "rmt-s", 55.72),
    ],
)
def test_under_its_head_of_the_segmentation_table_it_has_the_published_size(
    head, name, mega_params
):
    with torch.device("meta"):
        model = create_segmenter(
            150, 224, backbone=name, head=head, norm_maps=not name.startswith("rmt")
        )
    assert parameters_of(model) / 1e6 == pytest.approx(mega_params, abs=6e-3)


def projections_of_padding(name, height, width):
    """Linear layers of tokens that fill up windows, which the other counts include."""
    with torch.device("meta"):
        model = create_backbone(name)
    macs = 0
    for stage, info in zip(getattr(model, "layers", ()), model.feature_info, strict=False):
        grid = height // info.stride, width // info.stride
        for block in stage.blocks:
            if window := getattr(block.attn, "window_size", 0):
                filled = prod(-(-side // window) * window for side in grid)
                macs += (filled - prod(grid)) * 4 * info.channels**2
    return macs


SMALLEST = ["rmt-t", "dat-t", "focal-t", "cswin-t", "biformer-t", "slideformer-b"]


def small(name):
    """The smallest size of a family, with its first block of each stage alone."""
    torch.manual_seed(0)
    model = create_model(name, 5)
    stages = model.stages if hasattr(model, "stages") else [one.blocks for one in model.layers]
    for stage in stages:
        del stage[2:]
    return model


@pytest.mark.parametrize("name", SMALLEST)
def test_both_counters_agree_on_blocks_of_every_kind(name):
    with torch.device("meta"):
        model, images = small(name).eval(), torch.empty(1, 3, 224, 224)
    count_forward_macs(model, (images,))  # raises where they do not


@pytest.mark.parametrize("name", SMALLEST)
def test_maps_have_the_declared_channels_and_strides_on_odd_images(name):
    model = small(name).eval()
    with torch.inference_mode():
        maps = model.features(torch.randn(1, 3, 50, 37))
    for one, info in zip(maps, model.feature_info, strict=True):
        rounded_up = (info.channels, -(-50 // info.stride), -(-37 // info.stride))
        assert tuple(one.shape[1:]) == rounded_up


@pytest.mark.parametrize("name", ["dat-t", "focal-t", "cswin-t"])
def test_maps_are_as_they_leave_the_stages_and_the_mean_is_normed(name):
    model = create_backbone(name).eval()
    for layer in model.layers:
        del layer.blocks[:]
    with torch.inference_mode():
        images = torch.randn(1, 3, 64, 64)
        last = model.features(images)[-1].permute(0, 2, 3, 1)
        mean = torch.nn.functional.layer_norm(last, last.shape[-1:]).mean((1, 2))
        torch.testing.assert_close(model(images), mean)


@pytest.mark.parametrize("name", SMALLEST)
def test_every_parameter_learns(name):
    model = small(name)
    logits = model(torch.randn(2, 3, 50, 37))
    logits.square().sum().backward()
    assert logits.shape == (2, 5)
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)


def test_the_largest_rmt_starts_as_its_convolutions():
    block = create_model("rmt-l", 5).stages[2][0]
    assert block.scale1.shape == (448,)
    assert float(block.scale2.detach().max()) == pytest.approx(1e-6)


def test_a_focal_transformer_for_large_images_has_a_ring_in_its_last_stage_too():
    with torch.device("meta"):
        small, large = create_backbone("focal-t"), create_backbone("focal-t", (512, 2048))
    params = [parameters_of(model) for model in (small, large)]
    assert params[1] - params[0] == 2 * 24 * 49 * 132  # blocks, heads, pairs of places

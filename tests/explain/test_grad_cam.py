"""Grad-CAM against autograd by hand and against CAM, and the choice of the layer."""

import pytest
import torch
from torch import nn

from attnbench.errors import UserError
from attnbench.explain.answers import FIRST_ANSWER
from attnbench.explain.grad_cam import grad_cam
from attnbench.explain.layer import grid_of_tokens, layer_of
from attnbench.models.factory import create_model
from attnbench.models.pyramid import Pyramid
from attnbench.models.vit import VisionTransformer

SMALL = {"dim": 24, "depth": 2, "num_heads": 3, "patch_size": 4}
IMAGES = torch.randn(2, 3, 16, 24, generator=torch.Generator().manual_seed(0))
ASKED = torch.tensor([3, 1])


def vit(**options):
    torch.manual_seed(0)
    return VisionTransformer(5, (16, 24), **{**SMALL, **options}).eval()


def pyramid():
    torch.manual_seed(0)
    dims = {"dims": (32, 32), "depths": (1, 1), "stem_stride": 2}
    return Pyramid(5, (16, 24), attention="anchor", **dims).eval()


def test_it_is_the_definition_by_hand():
    """The last stage of a pyramid by hand: its map is a leaf, and only the head comes after it."""
    model = pyramid()
    found = grad_cam(model, IMAGES, ASKED, "stages.1")
    maps = model.features(IMAGES)[-1].detach().requires_grad_()
    logits = model.head(maps.mean((2, 3)))
    for image, label in enumerate(ASKED.tolist()):
        (slopes,) = torch.autograd.grad(logits[image, label], maps, retain_graph=True)
        weights = slopes[image].mean((1, 2))
        expected = (weights[:, None, None] * maps[image]).sum(0).clamp(min=0)
        torch.testing.assert_close(found.maps[image], expected.detach())
    torch.testing.assert_close(found.shares, logits.detach().softmax(1)[[0, 1], ASKED])


def test_under_a_linear_head_it_is_cam():
    model = pyramid()
    maps = model.features(IMAGES)[-1].detach()
    cam = torch.einsum("bc,bchw->bhw", model.head.weight.detach()[ASKED], maps).relu()
    found = grad_cam(model, IMAGES, ASKED, "stages.1").maps
    torch.testing.assert_close(found * maps[0, 0].numel(), cam)


def test_tokens_are_placed_by_height_and_width():
    """A token that alone speaks for the class is found in its row and column."""
    model = vit()
    model.head.weight.data.zero_()[3, 0] = 1.0
    layer = layer_of(model, IMAGES[:1])
    assert layer == "norm"
    model.norm.register_forward_hook(lambda m, args, out: torch.zeros_like(out) + spike() + 0 * out)
    found = grad_cam(model, IMAGES, torch.tensor([3, 3]), layer).maps
    assert found.shape == (2, 4, 6)
    assert found[0].nonzero().tolist() == [[1, 4]]


def spike():
    tokens = torch.zeros(2, 24, 24)
    tokens[:, 1 * 6 + 4, 0] = 1.0
    return tokens


@pytest.mark.parametrize("tokens", [{"class_token": True},
                                    {"class_token": True, "distillation_token": True}])  # fmt: skip
def test_with_a_class_token_the_first_norm_of_the_last_block_is_taken(tokens):
    model = vit(**tokens)
    layer = layer_of(model, IMAGES[:1])
    assert layer == "blocks.1.norm1"
    found = grad_cam(model, IMAGES, ASKED, layer)
    assert found.maps.shape == (2, 4, 6)
    assert found.reached.all()
    assert not grad_cam(model, IMAGES, ASKED, "norm").reached.any()


def test_the_first_answer_is_the_class_of_the_highest_logit():
    model = pyramid()
    classes = torch.tensor([FIRST_ANSWER, 2])
    found = grad_cam(model, IMAGES, classes, "stages.1").classes
    assert found.tolist() == [int(model(IMAGES)[0].argmax()), 2]


def test_nothing_of_it_stays_in_the_model():
    model = pyramid()
    before = model(IMAGES)
    grad_cam(model, IMAGES, ASKED, layer_of(model, IMAGES[:1]))
    assert not any(module._forward_hooks for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())
    torch.testing.assert_close(model(IMAGES), before)


@pytest.mark.parametrize(
    ("name", "layer", "grid"),
    [
        ("timm:test_vit", "blocks.5.norm1", (4, 4)),
        ("timm:test_resnet", "layer4", (2, 2)),
        ("timm:test_efficientnet", "bn2", (2, 2)),
    ],
)
def test_models_of_timm(name, layer, grid):
    torch.manual_seed(0)
    model = create_model(name, 5, 64).eval()
    images = torch.randn(2, 3, 64, 64)
    assert layer_of(model, images[:1]) == layer
    assert grad_cam(model, images, ASKED, layer).maps.shape[1:] == grid


def test_maps_with_the_channels_last():
    torch.manual_seed(0)
    model = create_model("timm:swin_tiny_patch4_window7_224", 5, 224).eval()
    images = torch.randn(1, 3, 224, 224)
    assert layer_of(model, images) == "norm"
    assert grad_cam(model, images, ASKED[:1], "norm").maps.shape == (1, 7, 7)


@pytest.mark.parametrize(
    ("layer", "message"),
    [("head", r"output of layer head is no map"), ("blocks", "layer blocks is not called")],
)
def test_layers_without_a_map_are_refused(layer, message):
    with pytest.raises(UserError, match=message):
        grad_cam(vit(), IMAGES, ASKED, layer)


def test_an_unknown_layer_is_refused_with_those_that_there_are():
    with pytest.raises(UserError, match=r"got 'zzz'; it has patch_embed, blocks.0, blocks.1, norm"):
        layer_of(vit(), IMAGES[:1], "zzz")


def test_a_model_without_maps_is_refused():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 24, 5)).eval()
    with pytest.raises(UserError, match="expected a layer with a map"):
        layer_of(model, IMAGES[:1])


@pytest.mark.parametrize("stride", [1, 3, 4, 7, 16])
@pytest.mark.parametrize("image", [(31, 64), (64, 31), (17, 17), (224, 224), (1, 50)])
def test_a_number_of_tokens_says_its_grid(image, stride):
    grid = tuple(-(-side // stride) for side in image)
    assert grid_of_tokens(grid[0] * grid[1], image) == grid


def test_a_number_that_no_stride_gives_has_no_grid():
    assert grid_of_tokens(7, (16, 16)) is None
    assert grid_of_tokens(0, (16, 16)) is None

"""The plain trunk equals timm's DeiT on copied weights and takes every mechanism."""

import pytest
import timm
import torch
from our_mechanisms import NAMES

from attnbench.errors import UserError
from attnbench.models.factory import create_model
from attnbench.models.vit import VisionTransformer
from attnbench.training.auxiliary import collected_losses

SMALL = {"dim": 24, "depth": 2, "num_heads": 3, "patch_size": 4}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (create_model, "deit_tiny_patch16_224"),
        (
            lambda *_: VisionTransformer(class_token=True, distillation_token=True),
            "deit_tiny_distilled_patch16_224",
        ),
    ],
)
def test_equals_timm_on_copied_weights(ours, theirs):
    theirs = timm.create_model(theirs).eval()
    for parameter in theirs.parameters():  # timm starts the heads at nearly zero
        torch.nn.init.normal_(parameter, std=0.05)
    ours = ours("deit-t").eval()
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        torch.testing.assert_close(ours(images), theirs(images), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_takes_every_mechanism_on_images_that_are_not_square(name):
    model = VisionTransformer(5, (24, 16), attention=name, **SMALL)
    with collected_losses(model) as auxiliary:
        logits = model(torch.randn(2, 3, 24, 16))
    (logits.sum() + sum(auxiliary)).backward()
    assert logits.shape == (2, 5)
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_two_heads_are_averaged():
    model = VisionTransformer(5, 16, class_token=True, distillation_token=True, **SMALL)
    images = torch.randn(2, 3, 16, 16)
    tokens = model.forward_features(images)
    expected = (model.head(tokens[:, 0]) + model.head_dist(tokens[:, 1])) / 2
    torch.testing.assert_close(model(images), expected)


def test_mean_pooling_ignores_the_order_of_tokens_but_for_positions():
    model = VisionTransformer(5, 16, **SMALL)
    torch.nn.init.zeros_(model.pos_embed)
    images = torch.randn(2, 3, 16, 16)
    swapped = torch.cat([images[..., 8:], images[..., :8]], dim=-1)  # whole patches are swapped
    torch.testing.assert_close(model(images), model(swapped), atol=1e-5, rtol=1e-5)


def test_positions_and_extra_tokens_are_not_decayed():
    model = VisionTransformer(5, 16, class_token=True, **SMALL)
    assert {"pos_embed", "cls_token"} <= model.no_weight_decay()


@pytest.mark.parametrize("tokens", [{}, {"class_token": True, "distillation_token": True}])
def test_its_map_is_the_normed_tokens_without_prefix_tokens(tokens):
    model = VisionTransformer(5, (16, 24), **tokens, **SMALL)
    images = torch.randn(2, 3, 16, 24)
    (last,) = model.features(images)
    patches = model.forward_features(images)[:, len(tokens) :]
    assert torch.equal(last.flatten(2).transpose(1, 2), patches)


def test_maps_of_several_depths_are_timm_s():
    theirs = timm.create_model("deit_tiny_patch16_224", img_size=64, dynamic_img_size=True).eval()
    ours = create_model("deit-t", img_size=64, out_indices=(-1, 3)).eval()
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(2, 3, 48, 96)
    with torch.inference_mode():
        expected = theirs.forward_intermediates(
            images, indices=[3, 11], norm=True, intermediates_only=True
        )
        for one, other in zip(ours.features(images), expected, strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(ours(images), theirs(images), atol=1e-5, rtol=1e-5)


def test_positions_of_another_size_are_learned():
    model = VisionTransformer(5, 16, **SMALL)
    model(torch.randn(2, 3, 24, 12)).sum().backward()
    assert model.pos_embed.grad.abs().sum() > 0


def test_refuses_what_does_not_fit():
    with pytest.raises(UserError, match="patches of 4 px .* multiples of 4, got 20 × 18; resize"):
        VisionTransformer(5, 16, **SMALL)(torch.randn(1, 3, 20, 18))
    with pytest.raises(UserError, match=r"blocks from 0 to 1 \(or from -2 to -1\), got \(2,\)"):
        VisionTransformer(5, 16, out_indices=(2,), **SMALL)
    with pytest.raises(UserError, match="--resolution 18 is no multiple"):
        VisionTransformer(5, 18, **SMALL)
    with pytest.raises(UserError, match="takes no class tokens"):
        VisionTransformer(5, 16, attention="window", class_token=True, **SMALL)
    with pytest.raises(UserError, match=r"one value for all blocks or 2, got \(3, 3, 3\)"):
        VisionTransformer(5, 16, **{**SMALL, "num_heads": (3, 3, 3)})
    with pytest.raises(UserError, match="needs class_token"):
        VisionTransformer(5, 16, distillation_token=True, **SMALL)

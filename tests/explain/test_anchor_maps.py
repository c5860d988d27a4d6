"""Where anchors gather and the attention that they imply, against S formed in full."""

import pytest
import torch

from attnbench.errors import UserError
from attnbench.explain.anchor_maps import anchor_maps
from attnbench.explain.anchor_use import assignments
from attnbench.models.pyramid import Pyramid
from attnbench.models.vit import VisionTransformer

IMAGE = torch.randn(1, 3, 16, 24, generator=torch.Generator().manual_seed(0))
ANCHORS = {"attention": "anchor", "attention_options": {"num_anchors": 5}}


def vit(depth=2, **options):
    torch.manual_seed(0)
    sizes = {"dim": 24, "depth": depth, "num_heads": 3, "patch_size": 4}
    return VisionTransformer(5, (16, 24), **sizes, **ANCHORS, **options).eval()


@pytest.mark.parametrize("tokens", [{}, {"class_token": True}])
def test_the_implied_attention_is_a_row_of_the_full_matrix(tokens):
    model = vit(**tokens)
    prefix = len(tokens)
    (first, _) = anchor_maps(model, IMAGE, (2, 5))
    matrix = assignments(model, IMAGE)["blocks.0.attn"].matrix[0]  # (heads, tokens, anchors)
    full = matrix / matrix.sum(1, keepdim=True) @ matrix.transpose(1, 2)
    torch.testing.assert_close(full.sum(-1), torch.ones_like(full[..., 0]))
    expected = full[:, prefix + 2 * 6 + 5, prefix:].mean(0).reshape(4, 6)
    torch.testing.assert_close(first.implied, expected)
    assert first.token == (2, 5)


def test_maps_of_all_anchors_add_up_to_one_at_each_token():
    (first, _) = anchor_maps(vit(), IMAGE)
    assert first.gathers.shape == (3, 5, 4, 6)
    torch.testing.assert_close(first.gathers.sum(1), torch.ones(3, 4, 6).double())
    torch.testing.assert_close(first.shares.sum(1), torch.ones(3).double())
    torch.testing.assert_close(first.shares, first.gathers.mean((2, 3)))


@pytest.mark.parametrize(("depth", "layers"), [(1, [0]), (3, [0, 1, 2]), (9, [1, 3, 5, 8])])
def test_a_plain_trunk_shows_some_layers_and_always_the_last(depth, layers):
    found = [maps.layer for maps in anchor_maps(vit(depth), IMAGE)]
    assert found == [f"blocks.{index}.attn" for index in layers]


def test_a_pyramid_shows_the_last_layer_of_each_stage_at_the_same_place():
    torch.manual_seed(0)
    model = Pyramid(5, dims=(32, 32), depths=(2, 1), stem_stride=2, **ANCHORS).eval()
    found = anchor_maps(model, IMAGE, (7, 11))
    assert [maps.layer for maps in found] == ["stages.0.blocks.1.attn", "stages.1.blocks.0.attn"]
    assert [maps.token for maps in found] == [(7, 11), (3, 5)]


@pytest.mark.parametrize("token", [(4, 0), (0, 6), (10**9, 0)])
def test_a_token_outside_the_grid_is_refused(token):
    with pytest.raises(UserError, match=r"--token: expected a row from 0 to 3 and a column"):
        anchor_maps(vit(), IMAGE, token)

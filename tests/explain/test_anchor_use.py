"""Anchor use: known cases of dead anchors, of even degrees, and of the effective rank."""

import pytest
import torch

from attnbench.errors import UserError
from attnbench.explain.anchor_use import anchor_use, effective_rank
from attnbench.models.vit import VisionTransformer

SMALL = {"dim": 24, "depth": 2, "num_heads": 3, "patch_size": 4}
IMAGES = torch.randn(3, 3, 16, 16)


def model(num_anchors):
    built = VisionTransformer(
        5, 16, attention="anchor", attention_options={"num_anchors": num_anchors}, **SMALL
    )
    return built.eval()


def test_effective_rank_of_known_matrices():
    torch.testing.assert_close(effective_rank(torch.eye(7)), torch.tensor(7.0))
    torch.testing.assert_close(effective_rank(torch.ones(7, 4)), torch.tensor(1.0))
    torch.testing.assert_close(
        effective_rank(torch.diag(torch.tensor([1.0, 1.0, 0.0]))), torch.tensor(2.0)
    )


def test_equal_anchors_are_used_alike_and_have_rank_one():
    trunk = model(6)
    for block in trunk.blocks:
        block.attn.anchors.data[:] = block.attn.anchors.data[:, :1]
    uses = anchor_use(trunk, IMAGES)
    assert [use.layer for use in uses] == ["blocks.0.attn", "blocks.1.attn"]
    for use in uses:
        assert (use.num_anchors, use.heads, use.images, use.dead_share) == (6, 3, 3, 0)
        assert use.degree_entropy == pytest.approx(1)
        assert use.effective_rank == pytest.approx(1)


def test_an_anchor_that_draws_everything_leaves_the_others_dead():
    trunk = model(4)
    attention = trunk.blocks[0].attn
    attention.kv.bias = torch.nn.Parameter(torch.zeros(48))
    attention.kv.bias.data[:24] = 100.0  # every key points one way
    attention.anchors.data[:] = -1.0
    attention.anchors.data[:, 0] = 1.0
    first = anchor_use(trunk, IMAGES)[0]
    assert first.dead_share == 3 / 4
    assert first.degree_entropy == pytest.approx(0, abs=1e-6)


def test_rank_is_bounded_by_the_anchors_and_hooks_are_gone():
    trunk = model(5)
    assert all(1 <= use.effective_rank <= 5 for use in anchor_use(trunk, IMAGES))
    assert not any(module._forward_pre_hooks for module in trunk.modules())


def test_a_model_without_anchors_is_refused():
    with pytest.raises(UserError, match="expected a model with learned anchors"):
        anchor_use(VisionTransformer(5, 16, **SMALL), IMAGES)

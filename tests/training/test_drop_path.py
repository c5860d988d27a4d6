import copy

import pytest
import timm
import torch
from torch import nn

from attnbench.errors import UserError
from attnbench.models.vit import VisionTransformer
from attnbench.training.drop_path import dropped_paths


def small(name):
    if name == "timm":
        return timm.create_model("vit_tiny_patch16_224", img_size=16, depth=2, embed_dim=24)
    return VisionTransformer(5, 16, depth=2, dim=24)


@pytest.mark.parametrize("name", ["vit-t", "timm"])
def test_blocks_are_skipped_in_training_alone_and_the_model_is_as_before(name):
    torch.manual_seed(0)
    model, images, tokens = small(name), torch.randn(4, 3, 16, 16), torch.randn(64, 1, 24)
    before, kinds = model.eval()(images), [type(module) for module in model.modules()]

    def changed(block):
        """How many of the images are not as they were given."""
        out = block(tokens) if name == "timm" else block(tokens, (1, 1))
        return (out != tokens).flatten(1).any(1).sum()

    with dropped_paths(model, 0.9):
        assert torch.equal(model(images), before)
        model.train()
        assert changed(model.blocks[0]) == 64  # its rate is 0
        assert 0 < changed(model.blocks[1]) < 40  # each of two branches with a tenth
    model.eval()
    assert [type(module) for module in model.modules()] == kinds
    assert torch.equal(model(images), before)
    assert not any(module._forward_hooks for module in model.modules())


def test_no_rate_changes_nothing_and_a_model_without_blocks_is_refused():
    with dropped_paths(nn.Linear(2, 2), 0):
        pass
    with (
        pytest.raises(UserError, match=r"--drop-path 0.1: Linear has no blocks .*--drop-path 0"),
        dropped_paths(nn.Linear(2, 2), 0.1),
    ):
        pass


def test_a_copy_drops_too():
    model = small("vit-t").train()
    with dropped_paths(model, 0.9):
        twin = copy.deepcopy(model)
        tokens = torch.randn(64, 1, 24)
        torch.manual_seed(0)
        expected = model.blocks[1](tokens, (1, 1))
        torch.manual_seed(0)
        assert torch.equal(twin.blocks[1](tokens, (1, 1)), expected)

import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from attnbench.models.factory import create_model
from attnbench.training.optimizer import (
    declared_without_decay,
    make_optimizer,
    parameter_groups,
    set_rate,
    timm_optim,
)
from attnbench.training.recipe import recipe_for


class Embedded(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(torch.ones(1, 4, 3))
        self.proj = nn.Linear(3, 3)
        self.norm = nn.LayerNorm(3)
        self.frozen = nn.Parameter(torch.ones(2, 2), requires_grad=False)

    def no_weight_decay(self) -> set[str]:
        return {"pos_embed"}


def test_parameters_are_declared_at_any_depth() -> None:
    assert declared_without_decay(Embedded()) == {"pos_embed"}
    nested = nn.Sequential(nn.Sequential(Embedded()), Embedded())
    assert declared_without_decay(nested) == {"0.0.pos_embed", "1.pos_embed"}


def test_decay_touches_the_others_alone_and_frozen_ones_are_left_out(data) -> None:
    model = Embedded()
    decayed, exempt = make_optimizer(model, recipe_for(data)).param_groups
    assert [id(p) for p in decayed["params"]] == [id(model.proj.weight)]
    assert decayed["weight_decay"] == recipe_for(data).weight_decay
    assert exempt["weight_decay"] == 0
    assert len(exempt["params"]) == 4


def test_without_decay_all_parameters_are_trained(data) -> None:
    optimizer = make_optimizer(Embedded(), replace(recipe_for(data), weight_decay=0.0))
    assert [(g["weight_decay"], len(g["params"])) for g in optimizer.param_groups] == [(0.0, 5)]


MODELS = ["anchorformer-t", "deit-t", "pyramid-t", "timm-levit-128", "timm-swin-t",
          "anchor-levit-128", "pvt-t"]  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_matrices_decay_unless_declared_in_the_order_of_the_model(name) -> None:
    """The order within a group is that of the optimizer's state in a checkpoint."""
    with torch.device("meta"):
        model = create_model(name, num_classes=10)
    declared = declared_without_decay(model)
    expected: tuple[list[int], list[int]] = ([], [])
    for parameter, value in model.named_parameters():
        expected[value.ndim <= 1 or parameter in declared].append(id(value))
    groups = parameter_groups(model, 0.05)
    assert [[id(p) for p in group["params"]] for group in groups] == list(expected)
    assert [group["weight_decay"] for group in groups] == [0.05, 0.0]


def test_layers_below_have_lower_rates_by_the_same_factor(data) -> None:
    with torch.device("meta"):
        model = create_model("timm:deit_tiny_patch16_224", num_classes=10)
    optimizer = make_optimizer(model, replace(recipe_for(data), layer_decay=0.5))
    set_rate(optimizer, 8.0)
    rates = {
        id(parameter): group["lr"]
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    of = {name: rates[id(parameter)] for name, parameter in model.named_parameters()}
    assert of["head.weight"] == 8.0
    assert of["blocks.11.attn.qkv.weight"] == 2 * of["blocks.10.mlp.fc1.bias"]
    assert of["patch_embed.proj.weight"] == min(of.values())


def test_the_limit_of_torch_s_compiler_is_left_as_it_was(monkeypatch) -> None:
    for name in [name for name in sys.modules if name.startswith("timm.optim")]:
        monkeypatch.delitem(sys.modules, name)
    limit = torch._dynamo.config.recompile_limit
    assert timm_optim().param_groups_weight_decay
    assert "timm.optim.kron" in sys.modules  # which raises it
    assert torch._dynamo.config.recompile_limit == limit

import torch
from torch import nn

from attnbench.training.optimizer import exempt_from_decay, make_optimizer
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


def test_vectors_and_declared_parameters_are_exempt_at_any_depth() -> None:
    own = {"pos_embed", "proj.bias", "norm.weight", "norm.bias"}
    assert exempt_from_decay(Embedded()) == own
    assert exempt_from_decay(nn.Sequential(Embedded())) == {f"0.{name}" for name in own}


def test_decay_touches_the_others_alone_and_frozen_ones_are_left_out(data) -> None:
    model = Embedded()
    decayed, exempt = make_optimizer(model, recipe_for(data)).param_groups
    assert [id(p) for p in decayed["params"]] == [id(model.proj.weight)]
    assert decayed["weight_decay"] == recipe_for(data).weight_decay
    assert exempt["weight_decay"] == 0
    assert len(exempt["params"]) == 4

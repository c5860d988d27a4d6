"""An optimizer takes the state of its own parameters, and no other."""

import copy
from typing import Any

import pytest
import torch
from torch.optim import Optimizer

from attnbench.errors import UserError
from attnbench.training.optimizer import make_optimizer
from attnbench.training.recipe import recipe_for
from attnbench.training.weights import fill_optimizer


def stepped(data, model) -> Optimizer:
    optimizer = make_optimizer(model, recipe_for(data, epochs=1))
    model(torch.ones(2, 3, 9, 9)).sum().backward()
    optimizer.step()
    return optimizer


def test_a_state_of_the_same_model_is_taken(data, make_model) -> None:
    one, other = (stepped(data, make_model(seed)) for seed in (1, 2))
    fill_optimizer(other, one.state_dict())
    for mine, theirs in zip(one.state.values(), other.state.values(), strict=True):
        assert torch.equal(mine["exp_avg"], theirs["exp_avg"])


def test_a_state_before_the_first_step_is_taken(data, make_model) -> None:
    fresh = make_optimizer(make_model(), recipe_for(data, epochs=1))
    fill_optimizer(fresh, fresh.state_dict())


def test_a_state_of_another_model_is_refused(data, make_model) -> None:
    one, other = (stepped(data, make_model(width=width)) for width in (5, 6))
    with pytest.raises(UserError, match=r"its exp_avg of parameter \d has another shape or type"):
        fill_optimizer(other, one.state_dict())


WRONG: list[Any] = [
    "x", None, [], {"a": 1}, float("nan"), torch.ones(2, dtype=torch.int8), torch.ones(7, 7),
]  # fmt: skip
PLACES = [
    ("state",), ("param_groups",), ("param_groups", 0), ("param_groups", 0, "params"),
    ("param_groups", 0, "lr"), ("param_groups", 1, "betas"), ("state", 0), ("state", 0, "step"),
    ("state", 0, "exp_avg"), ("state", 1, "exp_avg_sq"),
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_a_state_with_a_wrong_part_is_refused(data, make_model, place) -> None:
    optimizer = stepped(data, make_model())
    for wrong in WRONG:
        state = copy.deepcopy(optimizer.state_dict())
        inner: Any = state
        for name in place[:-1]:
            inner = inner[name]
        inner[place[-1]] = wrong
        with pytest.raises(UserError, match="the checkpoint's optimizer does not fit the model"):
            fill_optimizer(optimizer, state)

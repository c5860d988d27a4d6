"""The order in memory in which convolutional models are trained changes time alone."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from attnbench.training import memory_format
from attnbench.training.loop import train
from attnbench.training.recipe import recipe_for


def convolutional():
    torch.manual_seed(0)
    layers = [nn.Conv2d(3 if first else 6, 6, 3, padding=1) for first in (True, *[False] * 7)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 7))


@pytest.fixture
def recipe(data):
    return recipe_for(data, epochs=2, batch_size=8)


def trained(data, task, recipe, state=None, seen=None):
    model = convolutional()
    end = train(
        model, data, task, recipe, device="cpu", state=state,
        on_step=lambda step: seen.append(model[0].weight.stride()) if seen is not None else None,
    )  # fmt: skip
    return model, end


def test_weights_lie_channels_last_in_training_alone(data, task, recipe):
    seen = []
    model, _ = trained(data, task, recipe, seen=seen)
    like = torch.empty(6, 3, 3, 3).to(memory_format=torch.channels_last)
    assert set(seen) == {like.stride()}
    assert all(value.is_contiguous() for value in model.state_dict().values())


def test_it_changes_no_weight_beyond_rounding(data, task, recipe, monkeypatch):
    fast, _ = trained(data, task, recipe)
    monkeypatch.setattr(memory_format, "MANY", 100)
    usual, _ = trained(data, task, recipe)
    for one, other in zip(fast.parameters(), usual.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3)


def test_a_run_that_was_saved_in_the_usual_order_goes_on(data, task, recipe, monkeypatch):
    """Older checkpoints are so; the fused optimizer takes its moments to lie as the weights do."""
    fast, _ = trained(data, task, recipe)
    monkeypatch.setattr(memory_format, "MANY", 100)
    ends = []
    train(
        convolutional(), data, task, recipe, device="cpu",
        on_epoch=lambda progress, scores, state: ends.append(deepcopy(state)),
    )  # fmt: skip
    monkeypatch.undo()
    resumed, _ = trained(data, task, recipe, state=ends[0])
    for one, other in zip(fast.parameters(), resumed.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3)

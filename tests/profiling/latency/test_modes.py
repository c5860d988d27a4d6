"""Each mode runs its passes, and leaves no state for the next call."""

import pytest
import torch
from torch import nn

from attnbench.profiling.latency.modes import STEP_SIZE, call_of


class Counting(nn.Module):
    """Tells how often it ran forward, and in which state."""

    def __init__(self):
        super().__init__()
        self.proj = nn.Linear(5, 4)
        self.passes = []

    def forward(self, x):
        self.passes.append((self.training, torch.is_grad_enabled()))
        return {"out": self.proj(x).tanh(), "size": 4}  # outputs may be nested


@pytest.fixture
def module():
    torch.manual_seed(0)
    return Counting()


@pytest.fixture
def x():
    return torch.randn(3, 5)


def gradients(module, x, upstream):
    """What autograd says of input and parameters, for a gradient at the output."""
    module.zero_grad()
    leaf = x.detach().clone().requires_grad_()
    module(leaf)["out"].backward(upstream)
    found = [leaf.grad, *(parameter.grad for parameter in module.parameters())]
    module.zero_grad()
    module.passes.clear()
    return found


def test_forward_runs_in_evaluation_without_gradients(module, x):
    call = call_of("forward", module, x)
    call()
    call()
    assert module.passes == [(False, False)] * 2


def test_backward_walks_one_graph_again_and_again(module, x):
    call = call_of("backward", module, x)
    for _ in range(3):
        call()
    assert module.passes == [(True, True)]
    assert x.grad is None  # nothing piles up


def test_forward_backward_gives_fresh_gradients_each_time(module, x):
    call = call_of("forward+backward", module, x)
    call()
    expected = gradients(module, x, *call.upstream)
    for _ in range(2):
        call()
        found = [x.grad, *(parameter.grad for parameter in module.parameters())]
        torch.testing.assert_close(found, expected)
    assert module.passes == [(True, True)] * 2


def test_a_training_step_updates_the_parameters_too(module, x):
    before = [parameter.detach().clone() for parameter in module.parameters()]
    call = call_of("train", module, x)
    call()
    assert module.passes == [(True, True)]
    for old, new in zip(before, module.parameters(), strict=True):
        assert not torch.equal(old, new)
        assert (old - new).abs().max() <= 2 * STEP_SIZE

"""The call that is timed: a forward pass, a backward pass, both, or a whole training step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from attnbench.profiling.latency.timer import Call
from attnbench.spec import Mode

STEP_SIZE = 1e-6
"""Learning rate. Thousands of steps must not shrink weights to denormals, which are slow."""


def call_of(mode: Mode, module: nn.Module, x: Tensor, arguments: Sequence[Any] = ()) -> Call:
    """A call without arguments that runs the mode on the same input each time.

    Gradients are computed for the input and for every parameter, from a gradient of ones at the
    output. The module is set to evaluation mode for `forward`, and to training mode otherwise.

    Args:
        mode: `backward` runs the forward pass once, here, and each call goes through its graph
            again.
        module: what is called as `module(x, *arguments)`.
        x: the input, a leaf.
        arguments: further arguments of the call.
    """
    if mode == "forward":
        return partial(_forward, module.eval(), x, arguments)
    module.train()
    x.requires_grad_()
    if mode == "backward":
        outputs = _differentiable(module(x, *arguments))
        return partial(_backward, outputs, _leaves(module, x))
    if mode == "forward+backward":
        return partial(_forward_backward, module, x, arguments)
    optimizer = torch.optim.AdamW(module.parameters(), lr=STEP_SIZE)
    return partial(_training_step, module, x, arguments, optimizer)


@torch.inference_mode()
def _forward(module: nn.Module, x: Tensor, arguments: Sequence[Any]) -> None:
    module(x, *arguments)


def _backward(outputs: list[Tensor], leaves: list[Tensor]) -> None:
    ones = [torch.ones_like(output) for output in outputs]
    torch.autograd.grad(outputs, leaves, ones, retain_graph=True, allow_unused=True)


def _forward_backward(module: nn.Module, x: Tensor, arguments: Sequence[Any]) -> None:
    for leaf in _leaves(module, x):
        leaf.grad = None
    outputs = _differentiable(module(x, *arguments))
    torch.autograd.backward(outputs, [torch.ones_like(output) for output in outputs])


def _training_step(
    module: nn.Module, x: Tensor, arguments: Sequence[Any], optimizer: torch.optim.Optimizer
) -> None:
    _forward_backward(module, x, arguments)
    optimizer.step()


def _leaves(module: nn.Module, x: Tensor) -> list[Tensor]:
    return [x, *(parameter for parameter in module.parameters() if parameter.requires_grad)]


def _differentiable(outputs: Any) -> list[Tensor]:
    """The tensors of a nested output that need gradients."""
    tensors = (leaf for leaf in tree_leaves(outputs) if isinstance(leaf, Tensor))
    return [tensor for tensor in tensors if tensor.requires_grad]

"""Batch norms over all processes that share a batch: their statistics are those of the whole batch.

torch's `SyncBatchNorm` needs a GPU, and would count the image of a process that has none. Here the
one function that all batch norms call is replaced while a model is trained: those of torch, and
those of timm with an activation inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from attnbench import together
from attnbench.tasks.whole_batch import counts, in_whole_batch

_own = F.batch_norm


@contextmanager
def shared_statistics() -> Iterator[None]:
    """Let batch norms in training mode see the whole batch, for a block."""
    F.batch_norm = _over_all if together.size() > 1 else _own
    try:
        yield
    finally:
        F.batch_norm = _own


def _over_all(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """As torch's, in float32 within."""
    if not training:
        return _own(input, running_mean, running_var, weight, bias, training, momentum, eps)
    values = input.float()
    axes = [axis for axis in range(values.ndim) if axis != 1]
    shape = [1, -1] + [1] * (values.ndim - 2)
    count = in_whole_batch(len(values)) * values[0, 0].numel()
    if count == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got {input.shape}")
    mean = _sum(values, axes) / count  # (channels,)
    away = values - mean.view(shape)
    variance = _sum(away.square(), axes) / count
    result = away * (variance + eps).rsqrt().view(shape)
    if weight is not None:
        result = result * weight.view(shape)
    if bias is not None:
        result = result + bias.view(shape)
    with torch.no_grad():
        if running_mean is not None:
            running_mean.lerp_(mean.to(running_mean.dtype), momentum)
        if running_var is not None:
            unbiased = variance * (count / (count - 1))
            running_var.lerp_(unbiased.to(running_var.dtype), momentum)
    return result.to(input.dtype)


def _sum(values: Tensor, axes: list[int]) -> Tensor:
    """Over the images of all processes, and over places: (channels,)."""
    own = values.sum(axes)
    return _Summed.apply(own if counts() else own * 0)


class _Summed(torch.autograd.Function):
    """The sum over all processes; each has a part of the gradient."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        return together.summed(values)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        return together.summed(gradients[0].contiguous())

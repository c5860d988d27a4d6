"""The order in which images lie in memory while a model of many convolutions is trained.

torch's convolutions, above all depthwise ones, are faster if the channels of a pixel lie side by
side: a step of PicoDet takes four fifths of the time on one thread of a CPU. They hand this order
on from weights to outputs. Attention on tokens has it anyway, and gains nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

MANY = 8
"""Convolutions of more than one pixel. A trunk of attention has one to embed patches, or one for
each of four stages."""


@contextmanager
def channels_last_if_convolutional(model: nn.Module) -> Iterator[None]:
    """The weights of a model in the order that trains fastest; afterwards in the usual one.

    Make the optimizer inside: its moments must lie as the weights do.
    """
    if _convolutions(model) < MANY:
        yield
        return
    model.to(memory_format=torch.channels_last)
    try:
        yield
    finally:
        model.to(memory_format=torch.contiguous_format)


def _convolutions(model: nn.Module) -> int:
    found = (module for module in model.modules() if isinstance(module, nn.Conv2d))
    return sum(max(module.kernel_size) > 1 for module in found)


def laid_as(values: Tensor, like: Tensor) -> Tensor:
    """The values in the order of another tensor of the same shape; fused optimizers assume it."""
    if values.shape != like.shape or values.stride() == like.stride():
        return values
    return torch.empty_like(like, dtype=values.dtype).copy_(values)

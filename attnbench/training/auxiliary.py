"""Losses that modules inside a model add to that of the task, such as of clusters.

A module takes part by an attribute `auxiliary_losses`, which is None. While losses are collected it
is a list, and each forward call of the module appends a scalar to it. Outside of training nothing
is collected, so models are measured without the work for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

ATTRIBUTE = "auxiliary_losses"


@contextmanager
def collected_losses(model: nn.Module) -> Iterator[list[Tensor]]:
    """A list that fills with the losses of the modules, in the order of their calls."""
    losses: list[Tensor] = []
    takers = [module for module in model.modules() if hasattr(module, ATTRIBUTE)]
    for module in takers:
        setattr(module, ATTRIBUTE, losses)
    try:
        yield losses
    finally:
        for module in takers:
            setattr(module, ATTRIBUTE, None)

"""Stochastic depth (https://arxiv.org/abs/1603.09382) for any model of blocks, while it is trained.

A block whose class has modules for it (timm's `drop_path…`) gets timm's `DropPath` in their place.
A block with the children `attn` and `mlp` adds what they return to what they were given; there what
they return is dropped. The model itself needs no option for it, and is as before afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from torch import Tensor, nn

from attnbench.training.blocks import blocks_of, branches_of, slots_of


@contextmanager
def dropped_paths(model: nn.Module, rate: float) -> Iterator[None]:
    """Drop the branches of blocks in training mode; later blocks more often than earlier ones.

    Args:
        model: its training mode decides whether anything is dropped.
        rate: that of the last block, see `Recipe.drop_path`; 0 changes nothing.

    Raises:
        UserError: the model has no blocks that are known to be residual.
    """
    with ExitStack() as stack:
        if rate:
            for block, probability in _rates(model, rate):
                for undo in _drop(block, probability):
                    stack.callback(undo)
        yield


def _rates(model: nn.Module, rate: float) -> list[tuple[nn.Module, float]]:
    """The blocks, first to last, each with its probability."""
    from timm.layers import calculate_drop_path_rates

    blocks = blocks_of(model, f"--drop-path {rate:g}", "give --drop-path 0")
    return list(zip(blocks, calculate_drop_path_rates(rate, len(blocks)), strict=True))


def _drop(block: nn.Module, probability: float) -> list[Callable[[], Any]]:
    """Change a block; returns what changes it back."""
    from timm.layers import DropPath

    slots = slots_of(block)
    if not slots:
        hook = partial(_drop_output, probability)
        return [branch.register_forward_hook(hook).remove for branch in branches_of(block)]
    undo: list[Callable[[], Any]] = [
        partial(setattr, block, name, getattr(block, name)) for name in slots
    ]
    for name in slots:
        setattr(block, name, DropPath(probability).train(block.training))
    return undo


def _drop_output(probability: float, branch: nn.Module, given: Any, output: Tensor) -> Tensor:
    from timm.layers import drop_path

    return drop_path(output, probability, branch.training)

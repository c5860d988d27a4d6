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

from attnbench.errors import UserError

BRANCHES = ("attn", "mlp")
SLOT = "drop_path"
"""How the names of timm's modules for it begin."""


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

    blocks = [module for module in model.modules() if _slots(module) or _branches(module)]
    if not blocks:
        raise UserError(
            f"--drop-path {rate:g}: {type(model).__name__} has no blocks that can be skipped; give "
            "--drop-path 0"
        )
    return list(zip(blocks, calculate_drop_path_rates(rate, len(blocks)), strict=True))


def _slots(module: nn.Module) -> list[str]:
    from timm.layers import DropPath

    return [
        name
        for name, child in module.named_children()
        if name.startswith(SLOT) and isinstance(child, (nn.Identity, DropPath))
    ]


def _branches(module: nn.Module) -> list[nn.Module]:
    children = dict(module.named_children())
    return [children[name] for name in BRANCHES] if all(n in children for n in BRANCHES) else []


def _drop(block: nn.Module, probability: float) -> list[Callable[[], Any]]:
    """Change a block; returns what changes it back."""
    from timm.layers import DropPath

    slots = _slots(block)
    if not slots:
        hook = partial(_drop_output, probability)
        return [branch.register_forward_hook(hook).remove for branch in _branches(block)]
    undo: list[Callable[[], Any]] = [
        partial(setattr, block, name, getattr(block, name)) for name in slots
    ]
    for name in slots:
        setattr(block, name, DropPath(probability).train(block.training))
    return undo


def _drop_output(probability: float, branch: nn.Module, given: Any, output: Tensor) -> Tensor:
    from timm.layers import drop_path

    return drop_path(output, probability, branch.training)

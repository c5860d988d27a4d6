"""The residual blocks of a model: what can be skipped, or be computed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from attnbench.errors import UserError
from attnbench.training.auxiliary import ATTRIBUTE, collected_losses

BRANCHES = ("attn", "mlp")
"""Children of a block, which adds what they return to what they were given."""
SLOT = "drop_path"
"""How the names of timm's modules that drop a branch begin."""


def blocks_of(model: nn.Module, flag: str, advice: str) -> list[nn.Module]:
    """The blocks of a model, first to last: those of timm, and what has all `BRANCHES`.

    Args:
        model: of any kind.
        flag: what needs them, for the message.
        advice: what to do without, for the message.

    Raises:
        UserError: the model has none.
    """
    blocks = [module for module in model.modules() if slots_of(module) or branches_of(module)]
    if not blocks:
        raise UserError(
            f"{flag}: {type(model).__name__} has no blocks that can be told from their names; "
            f"choose another model, or {advice}"
        )
    return blocks


def slots_of(module: nn.Module) -> list[str]:
    """The names of timm's modules that drop a branch."""
    from timm.layers import DropPath

    return [
        name
        for name, child in module.named_children()
        if name.startswith(SLOT) and isinstance(child, (nn.Identity, DropPath))
    ]


def branches_of(module: nn.Module) -> list[nn.Module]:
    """The branches of a block; none of any other module."""
    children = dict(module.named_children())
    return [children[name] for name in BRANCHES] if all(n in children for n in BRANCHES) else []


@contextmanager
def recomputed_blocks(model: nn.Module, recompute: bool) -> Iterator[None]:
    """Keep no activations inside blocks: the backward pass computes each again (arXiv:1604.06174).

    Gradients are the same to the bit, with the same dropout.

    Args:
        model: its blocks are changed until the end.
        recompute: False changes nothing.

    Raises:
        UserError: the model has no blocks, or batch norms in them, which would count images twice.
    """
    blocks = blocks_of(model, "--recompute", "leave it out") if recompute else []
    if any(isinstance(part, _BatchNorm) for block in blocks for part in block.modules()):
        raise UserError(
            f"--recompute: the blocks of {type(model).__name__} have batch norms, which would see "
            "each image twice; leave it out"
        )
    for block in blocks:
        block.forward = partial(_again, block, block.forward)
    try:
        yield
    finally:
        for block in blocks:
            del block.forward


def _again(block: nn.Module, forward: Callable[..., Any], *given: Any, **named: Any) -> Any:
    if not torch.is_grad_enabled():
        return forward(*given, **named)
    # Losses of the block's own are computed again as well, but added only once.
    collects = any(getattr(part, ATTRIBUTE, None) is not None for part in block.modules())
    return checkpoint(
        forward, *given, use_reentrant=False, **named,
        context_fn=lambda: (nullcontext(), collected_losses(block) if collects else nullcontext()),
    )  # fmt: skip

"""Weights: how many there are, where they are kept, and those that the first call makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils._pytree import tree_leaves

from attnbench.profiling.counting.eager import eager_calls

QUANTISED = frozenset({torch.int8, torch.uint8, torch.quint8, torch.qint8, torch.qint32})


@dataclass(frozen=True, kw_only=True)
class Weights:
    """The weights of a module, each counted once."""

    params: int
    """Elements of parameters, and of packed tensors that stand for parameters."""
    notes: tuple[str, ...]
    """What a reader must know of them."""


def call_if_lazy(module: nn.Module, x: Tensor, arguments: Sequence[Any], seed: int = 0) -> None:
    """Give lazily made weights their shape, by a call of their own in evaluation mode.

    Their values follow from the seed; torch's own seed is kept. Nothing is compiled in this call.
    """
    if any(is_lazy(one) for one in (*module.parameters(), *module.buffers())):
        call_once(module, x, arguments, seed)


def call_once(module: nn.Module, x: Tensor, arguments: Sequence[Any], seed: int = 0) -> None:
    """Call a module before it is measured, as `call_if_lazy` does."""
    was_training = module.training
    with torch.random.fork_rng(devices=()), torch.no_grad(), eager_calls():
        torch.default_generator.manual_seed(seed)
        module.eval()(x, *arguments)
    module.train(was_training)


def in_dtype(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """The module with its floating-point weights in the dtype; complex ones stay as they are."""
    casts = {
        torch.float32: nn.Module.float,
        torch.float16: nn.Module.half,
        torch.bfloat16: nn.Module.bfloat16,
    }
    return casts[dtype](module)


def count_weights(module: nn.Module) -> Weights:
    """Count parameters, and find weights that are kept elsewhere."""
    params = sum(parameter.numel() for parameter in module.parameters())
    packed = sum(tensor.numel() for tensor in _packed(module))
    notes = []
    if packed:
        notes.append(f"quantised: params include {packed:,} elements of packed tensors")
    if small := sum(one.numel() for one in module.buffers() if one.dtype in QUANTISED):
        notes.append(f"quantised: params leave out {small:,} elements of one byte in buffers")
    if kinds := sorted({type(one).__name__ for one in module.parameters()} - _PLAIN):
        notes.append(
            f"weights are tensor subclasses ({', '.join(kinds)}): params are the elements they "
            "stand for"
        )
    return Weights(params=params + packed, notes=tuple(notes))


_PLAIN = frozenset({"Parameter", "Tensor"})


def _packed(module: nn.Module) -> list[Tensor]:
    """Tensors of the state that are neither parameters nor buffers; scalars are no weights."""
    registered = {name for name, _ in module.named_parameters(remove_duplicate=False)}
    registered |= {name for name, _ in module.named_buffers(remove_duplicate=False)}
    extra = {
        name: value
        for name, value in module.state_dict().items()
        if name not in registered and not name.endswith("_extra_state")
    }
    leaves = tree_leaves(list(extra.values()))
    return [leaf for leaf in leaves if isinstance(leaf, Tensor) and leaf.numel() > 1]

"""Is what a call returned an output at all: plain tensors, of the shape and dtype that were due?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from attnbench.profiling.honesty.dishonest import DishonestError
from attnbench.profiling.latency.modes import OUTPUT

PLAIN = (Tensor, nn.Parameter)
"""Types whose values are there as soon as the call has returned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What is due from a call."""

    device: torch.device
    shape: tuple[int, ...] | None = None
    """None where the output may be any nest of tensors."""
    dtype: torch.dtype | None = None


def tensors_of(computed: Mapping[str, Any], expected: Expected) -> dict[str, Tensor]:
    """The tensors that a call computed, by name.

    Raises:
        DishonestError: one is no plain tensor, or has another shape, dtype or device than is due.
    """
    found: dict[str, Tensor] = {}
    for name, value in computed.items():
        leaves = [leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor)]
        for leaf in leaves:  # first: a promise would do its work if it were asked for its shape
            _check_plain(name, leaf, expected.device)
        if name == OUTPUT:
            _check_output(value, leaves, expected)
        for number, leaf in enumerate(leaves):
            found[name if len(leaves) == 1 else f"{name} {number + 1}"] = leaf
    return found


def _check_output(value: Any, leaves: list[Tensor], expected: Expected) -> None:
    if not leaves or (expected.shape is not None and not isinstance(value, Tensor)):
        raise DishonestError(
            f"expected a tensor as output, got {type(value).__name__}; return the result itself"
        )
    if expected.shape is None:
        return
    (output,) = leaves
    if tuple(output.shape) != expected.shape:
        raise DishonestError(
            f"the output has the wrong shape: expected {expected.shape} (batch, tokens, dim), "
            f"got {tuple(output.shape)}"
        )
    if expected.dtype not in (None, output.dtype):
        raise DishonestError(
            f"the output has the wrong dtype: expected {expected.dtype}, the input's, "
            f"got {output.dtype}"
        )


def _check_plain(name: str, leaf: Tensor, device: torch.device) -> None:
    if type(leaf) not in PLAIN or torch._C._functorch.is_functorch_wrapped_tensor(leaf):
        raise DishonestError(
            f"the {name} is no plain tensor but a {type(leaf).__name__}, which may do its work "
            "when it is looked at: after the clock has stopped; return a torch.Tensor"
        )
    if leaf.layout != torch.strided:
        raise DishonestError(
            f"the {name} has the layout {leaf.layout}: expected a dense tensor, whose elements "
            "are all there"
        )
    if leaf.device.type != device.type:
        raise DishonestError(
            f"the {name} is on another device: expected {device.type}, got {leaf.device.type}"
        )

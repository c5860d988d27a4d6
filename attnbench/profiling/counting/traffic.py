"""Bytes moved by one forward call of unfused eager code.

Each operator reads its tensors from memory and writes its result there: inputs and parameters are
read, the output is written, and each intermediate is written once and read by every operator that
uses it. The sum over operators shows the cost of elementwise work, which MACs do not.

- A tensor counts at the size of its dtype; elements that a broadcast repeats count once.
- Views and bare allocations move nothing.
- An operator reads the whole of each input, even if it picks a part (indexing).
- Tensors that a mechanism keeps from an earlier call (index tables, masks) are only read.
- On the meta device fused attention is decomposed, so its scores count as written and read.

The sum is an upper bound for fused code. It is no measurement: caches are not modelled. The lower
bound for any code is its inputs, parameters and outputs, once each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from attnbench.profiling.counting.eager import eager_calls
from attnbench.profiling.each_operator import EachOperator, Operator, is_view, name_of

ALLOCATIONS = frozenset({"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"})
OVERWRITES = frozenset({"copy_", "fill_", "zero_"})
"""They write their first argument without reading it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What one forward call moves, and in how many steps."""

    moved_bytes: int
    """Moved by unfused eager code."""
    least_bytes: int
    """Moved by any code: inputs and parameters are read, outputs are written, once each."""
    operators: int
    """Operators that do work; eager code launches each separately."""


def count_traffic(module: nn.Module, inputs: Sequence[Tensor], arguments: Sequence[Any]) -> Traffic:
    """Count one call `module(*inputs, *arguments)`; all on the meta device.

    A first call is not counted: it fills what the module keeps for later calls.
    """
    with torch.no_grad(), eager_calls():
        module(*inputs, *arguments)
        with _Traffic() as traffic:
            outputs = module(*inputs, *arguments)
    least = _bytes((*inputs, *module.parameters(), *tree_leaves(outputs)))
    return Traffic(moved_bytes=traffic.moved_bytes, least_bytes=least, operators=traffic.operators)


class _Traffic(EachOperator):
    def __init__(self) -> None:
        super().__init__()
        self.moved_bytes = 0
        self.operators = 0

    def see(self, func: Any, args: Any, kwargs: Any, outputs: Any) -> None:
        """Count its bytes, unless it moves none."""
        if not _moves_nothing(func):
            read = args[1:] if name_of(func) in OVERWRITES else args
            self.moved_bytes += _bytes(tree_leaves((read, kwargs, outputs)))
            self.operators += 1


def _moves_nothing(operator: Operator) -> bool:
    # `_unsafe_view` is a view that torch does not mark as one.
    return is_view(operator) or name_of(operator) in ALLOCATIONS | {"_unsafe_view"}


def _bytes(leaves: Iterable[Any]) -> int:
    return sum(_stored_bytes(leaf) for leaf in leaves if isinstance(leaf, Tensor))


def _stored_bytes(tensor: Tensor) -> int:
    """Bytes of the elements in memory: a dimension of stride 0 has one."""
    sizes = zip(tensor.shape, tensor.stride(), strict=True)
    return prod(size for size, stride in sizes if stride != 0) * tensor.element_size()

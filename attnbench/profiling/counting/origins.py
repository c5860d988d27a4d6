"""Tells values that follow from a module's weights alone from those that may stem from its input.

Code that reads a learned scale (`float(self.scale)`) does the same work for every input; code that
reads the mean of its input may not. What is made of weights and constants alone is a constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakTensorKeyDictionary


class Constants:
    """The tensors that are known to be the same for every input."""

    def __init__(self, module: nn.Module) -> None:
        """Start with the weights, and with tensors that are attributes of a module."""
        self._known = WeakTensorKeyDictionary()
        attributes = [value for one in module.modules() for value in vars(one).values()]
        self._keep((*module.parameters(), *module.buffers(), *attributes))

    def include(self, tensors: Sequence[Tensor]) -> bool:
        """Whether all of them are constants."""
        return all(tensor in self._known for tensor in tensors)

    def follow(self, operator: Any, tensors: Sequence[Tensor], out: Any) -> None:
        """What an operator makes of constants is one, unless it draws random numbers."""
        if self.include(tensors) and torch.Tag.nondeterministic_seeded not in operator.tags:
            self._keep(tree_leaves(out))
        elif operator._schema.is_mutable:
            for tensor in tensors:
                self._known.pop(tensor, None)

    def _keep(self, values: Sequence[Any]) -> None:
        for value in values:
            if isinstance(value, Tensor):
                self._known[value] = True

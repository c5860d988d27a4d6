"""Did the weights change between two calls?"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from attnbench.profiling.honesty.late import same


class Weights:
    """The parameters of a module as they are now, by the sum of each."""

    def __init__(self, module: nn.Module) -> None:
        self._sums = {
            name: parameter.detach().sum(dtype=_wide(parameter))
            for name, parameter in module.named_parameters()
            if _has_elements(parameter)
        }

    def first_other(self, later: Weights) -> str:
        """The name of the first parameter that is another, or ""."""
        for name, known in self._sums.items():
            if name not in later._sums or not same(later._sums[name], known):
                return name
        return ""


def _wide(parameter: nn.Parameter) -> torch.dtype:
    return torch.complex128 if parameter.is_complex() else torch.float64


def _has_elements(parameter: nn.Parameter) -> bool:
    lazy: bool = is_lazy(parameter)
    return not lazy and parameter.numel() > 0

"""Did the weights change between two calls?"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.parameter import is_lazy


class Weights:
    """The parameters of a module as they are now, by a hash of each."""

    def __init__(self, module: nn.Module) -> None:
        self._hashes = {
            name: torch.hash_tensor(_real(parameter.detach()))
            for name, parameter in module.named_parameters()
            if _has_elements(parameter)
        }

    def first_other(self, later: Weights) -> str:
        """The name of the first parameter that is another, or ""."""
        for name, known in self._hashes.items():
            if name not in later._hashes or not torch.equal(later._hashes[name], known):
                return name
        return ""


def _real(tensor: torch.Tensor) -> torch.Tensor:
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def _has_elements(parameter: nn.Parameter) -> bool:
    lazy: bool = is_lazy(parameter)
    return not lazy and parameter.numel() > 0

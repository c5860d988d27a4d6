"""The same work by a copy of the module that was never called."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn

from attnbench.profiling.as_written import as_written
from attnbench.profiling.latency.modes import Backward, Pass, twin_of
from attnbench.profiling.random_state import RandomState


class Twin:
    """Computes what a call should have computed, from the state before that call."""

    def __init__(self, call: Pass, pristine: nn.Module, device: torch.device) -> None:
        """Remember weights, input and random numbers; `pristine` is never called itself."""
        self._call = call
        self._module = _copy(pristine, call.module)
        self._pristine = pristine
        self.x = call.x.detach().clone()
        if isinstance(call, Backward):  # its forward pass ran at the start
            self.random = call.random
        else:
            self._module.load_state_dict(call.module.state_dict(), strict=False)
            self.random = RandomState(device)

    def compute(self) -> Mapping[str, Any]:
        """What the copy computes with the same random numbers."""
        with as_written():
            return self._run(self._module)

    def compute_as_timed(self) -> Mapping[str, Any]:
        """The same by another copy, compiled: such code draws other random numbers."""
        other = deepcopy(self._pristine)
        other.load_state_dict(self._module.state_dict(), strict=False)
        return self._run(other)

    def _run(self, module: nn.Module) -> Mapping[str, Any]:
        self.random.put_back()
        call = twin_of(self._call, module, self.x.clone())
        call.keep = True
        call()
        return call.computed()


def _copy(pristine: nn.Module, original: nn.Module) -> nn.Module:
    """A copy whose compiled methods are its own: a copied method still belongs to the original."""
    copy = deepcopy(pristine)
    own = dict(copy.named_modules())
    names = {id(module): name for name, module in original.named_modules()}
    for module in own.values():
        for name, value in list(vars(module).items()):
            method = getattr(value, "_torchdynamo_orig_callable", None)
            owner = names.get(id(getattr(method, "__self__", None)))
            if owner in own and isinstance(method, MethodType):
                module.__dict__[name] = MethodType(method.__func__, own[owner])
    return copy


def copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The values at this moment."""
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}

"""The same work by a copy of the module that was never called."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from attnbench.profiling.latency.modes import Backward, Pass, twin_of
from attnbench.profiling.random_state import RandomState


class Twin:
    """Computes what a call should have computed, from the state before that call."""

    def __init__(self, call: Pass, pristine: nn.Module, device: torch.device) -> None:
        """Remember weights, input and random numbers; `pristine` is never called itself."""
        self._call = call
        self._module = deepcopy(pristine)
        self._pristine = pristine
        self.x = call.x.detach().clone()
        if isinstance(call, Backward):  # its forward pass ran at the start
            self.random = call.random
        else:
            self._module.load_state_dict(call.module.state_dict(), strict=False)
            self.random = RandomState(device)

    def compute(self) -> Mapping[str, Any]:
        """What the copy computes with the same random numbers."""
        self.random.put_back()
        return self._run(self._module)

    def compute_otherwise(self) -> Mapping[str, Any]:
        """What another copy computes with other random numbers."""
        other = deepcopy(self._pristine)
        other.load_state_dict(self._module.state_dict(), strict=False)
        return self._run(other)

    def _run(self, module: nn.Module) -> Mapping[str, Any]:
        with _uncompiled():
            call = twin_of(self._call, module, self.x.clone())
            call.keep = True
            call()
        return call.computed()


@contextmanager
def _uncompiled() -> Iterator[None]:
    """Compiled functions run as they were written: a copy must not use up their recompilations."""
    if "torch._dynamo" not in sys.modules:
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield


def copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The values at this moment."""
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}

"""Peak memory of a call, counted from the shapes of its tensors.

On the meta device a tensor has a shape and takes no memory, so that any size can be asked for. What
an operator makes is alive until nothing refers to it; the peak is the most that is alive at once.

Seen are the tensors that operators take and make. Scratch inside an operator is not: convolutions
on a CPU copy what they take into another order. `benchmark/largest.py` therefore scales a count by
measurements. Fused attention is counted as the kernel of a CPU, since torch chooses another path on
the meta device.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from attnbench.profiling.each_operator import EachOperator
from attnbench.profiling.latency.timer import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedMemory:
    """Bytes of the tensors of one call."""

    held_bytes: int
    """The peak with all that the call reads: input, parameters, optimiser, tables."""
    peak_net_bytes: int
    """The peak beyond what was held when the call began, as it is measured too."""


def count_memory(call: Call) -> CountedMemory:
    """Count a call on the meta device; it is made once before, so that tables are filled."""
    with _FusedAsOnCpu():
        call()
        with _Alive() as tensors:
            call()
    return CountedMemory(
        held_bytes=tensors.outside_bytes + tensors.peak_bytes, peak_net_bytes=tensors.peak_bytes
    )


class _FusedAsOnCpu(TorchFunctionMode):
    """torch's fused attention by the kernel that a CPU takes: all but a bias that learns."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        bias = kwargs.get("attn_mask")
        learns = bias is not None and bias.requires_grad and torch.is_grad_enabled()
        if func is not F.scaled_dot_product_attention or learns:
            return func(*args, **kwargs)
        flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
        return flash(*args, attn_mask=bias, scale=kwargs.get("scale"))[0]


class _Alive(EachOperator):
    """Adds up the tensors that are alive, and those that operators read and none of them made."""

    def __init__(self) -> None:
        super().__init__()
        self.alive_bytes = 0
        self.peak_bytes = 0
        self.outside_bytes = 0
        self._known: set[int] = set()

    def see(self, func: Any, args: Any, kwargs: Any, outputs: Any) -> None:
        """Note what was read first: an output may be a view of it."""
        for storage in _new_storages((args, kwargs), self._known):
            self.outside_bytes += storage.nbytes()
            weakref.finalize(storage, self._known.discard, storage._cdata)
        for storage in _new_storages(outputs, self._known):
            self.alive_bytes += storage.nbytes()
            weakref.finalize(storage, self._drop, storage._cdata, storage.nbytes())
        self.peak_bytes = max(self.peak_bytes, self.alive_bytes)

    def _drop(self, address: int, size: int) -> None:
        self._known.discard(address)
        self.alive_bytes -= size


def _new_storages(nested: Any, known: set[int]) -> list[torch.UntypedStorage]:
    """The storages of the tensors in a nest that are not known, each once; they become known."""
    found = []
    for leaf in tree_leaves(nested):
        if isinstance(leaf, Tensor) and leaf.untyped_storage()._cdata not in known:
            found.append(leaf.untyped_storage())
            known.add(found[-1]._cdata)
    return found

"""Memory that a module keeps between its calls, besides its parameters.

Masks and tables made at the first call, buffers, caches of keys and values, lists that grow: a peak
during a call, net of what was there before, does not show them. Counted are tensors and NumPy
arrays, each piece of memory once,

- that the module holds, in whatever containers, wherever they were made; and
- that a forward pass reads and that neither it has made nor the module holds: caches that live
  beside the module, such as a table that all layers of one size share.

Not counted: parameters, gradients, the input, and what only foreign code can see (a cache inside a
compiled extension). Growth of the latter is still seen by the allocator (`footprint`).
"""

from __future__ import annotations

import gc
import types
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from attnbench.profiling.as_written import as_written
from attnbench.profiling.each_operator import EachOperator

MOST_OBJECTS = 1_000_000
"""The search ends after this many objects: a module may hold a reference to half of Python."""

Pieces = dict[tuple[str, int], int]
"""Bytes of each piece of memory, by device and address."""

_FOREIGN = (type, types.ModuleType, types.FrameType, types.BuiltinFunctionType, str, int, float)
"""What a search for the module's own memory does not enter."""


def kept_bytes(module: nn.Module, forward: Callable[[], object], x: Tensor) -> int:
    """Bytes that the module keeps between calls, net of parameters, gradients and input.

    Args:
        module: what was called before, so that its caches are filled.
        forward: one forward pass of it on `x`; it is called once.
        x: the input.
    """
    own = [x, *module.parameters()]
    own += [tensor.grad for tensor in own if tensor.grad is not None]
    known = _pieces(own)
    with torch.no_grad(), as_written(), _Reads() as reads:
        forward()
    found = reads.outside | held_by(module)
    return sum(size for piece, size in found.items() if piece not in known)


def held_by(root: object) -> Pieces:
    """Memory of all tensors and arrays that an object refers to, however deep."""
    seen, waiting, found = {id(root)}, [root], Pieces()
    while waiting and len(seen) < MOST_OBJECTS:
        one = waiting.pop()
        found |= _pieces([one])
        for other in _inside(one):
            if id(other) not in seen and not isinstance(other, _FOREIGN):
                seen.add(id(other))
                waiting.append(other)
    return found


def _inside(one: object) -> list[Any]:
    """What an object refers to; of a function what it encloses, not the globals of its file."""
    if isinstance(one, types.FunctionType):
        return [*(one.__closure__ or ()), one.__defaults__, one.__kwdefaults__, one.__dict__]
    return gc.get_referents(one)


class _Reads(EachOperator):
    """Notes the memory that operators read and none of them has made."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: Pieces = {}
        self._made: Pieces = {}

    def see(self, func: Any, args: Any, kwargs: Any, outputs: Any) -> None:
        """Tell what was read from what was made."""
        read = _pieces(tree_leaves((args, kwargs)))
        self.outside |= {p: size for p, size in read.items() if p not in self._made}
        given = _pieces(tree_leaves(outputs))
        # The result of a view is the memory that was read.
        self._made |= {p: size for p, size in given.items() if p not in self.outside}


def _pieces(objects: Iterable[object]) -> Pieces:
    """The memory behind each tensor and array; none of those without data."""
    found: Pieces = {}
    for one in objects:
        if isinstance(one, Tensor):
            found |= _of_tensor(one)
        elif isinstance(one, np.ndarray):
            whole = one
            while isinstance(whole.base, np.ndarray):
                whole = whole.base
            found["cpu", whole.ctypes.data] = whole.nbytes
    return found


def _of_tensor(tensor: Tensor) -> Pieces:
    try:
        storage = tensor.untyped_storage()
        address = storage.data_ptr()
    except (RuntimeError, NotImplementedError):  # sparse, fake, or of some other kind without one
        return {}
    return {(str(tensor.device), address): storage.nbytes()} if address else {}

"""Watches each operator that torch's counter counts: what it misses, repeats or cannot know.

- A complex product is one for the counter, and four real ones here.
- Forward work inside a backward pass is recomputation (checkpoints, reversible layers): the engine
  of autograd runs its own work with gradients disabled, and whoever recomputes enables them.
- Work on sparse and nested tensors does not follow from shapes, and is refused.
- An operator that reads values, or whose output's shape depends on them, is noted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from attnbench.profiling.counting.formulas import USER_FORMULAS
from attnbench.profiling.counting.operators import CountError

READING = frozenset({torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape})
COMPLEX_IN_REAL = 4
"""Real multiply-accumulates of a complex one."""


class DesugarSubclasses(TorchDispatchMode):
    """Lets tensor subclasses take their operators apart, so that their inner work is seen."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if any(kind is not Tensor and not _is_plain(kind) for kind in types):
            return NotImplemented
        return func(*args, **(kwargs or {}))


def _is_plain(kind: type) -> bool:
    """Whether the type has no rule of its own for operators."""
    return getattr(kind, "__torch_dispatch__", None) is Tensor.__torch_dispatch__


class OperatorWatch(TorchDispatchMode):
    """Collects what the total of the counter does not say."""

    def __init__(self, formulas: Mapping[Any, Any]) -> None:
        """Watch with the formulas of the counter (FLOPs, by operator)."""
        super().__init__()
        self.formulas = formulas
        self.in_backward = False
        """Whether the forward call of a training step is done."""
        self.operators: set[Any] = set()
        self.reads: set[str] = set()
        self.recomputed_flops = 0
        self.irregular: set[str] = set()
        """Products of tensors whose shape does not say how many elements they store."""
        self.quantised: set[str] = set()
        """Names of products whose weights are quantised."""
        self._corrections: Counter[Any] = Counter()

    @property
    def left_out(self) -> list[Any]:
        """The operators without a formula."""
        return [one for one in self.operators if one._overloadpacket not in self.formulas]

    @property
    def names(self) -> set[str]:
        """Full names of all operators."""
        return {operator._schema.name for operator in self.operators}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        self.operators.add(func)
        if reads_values(func, args, kwargs):
            self.reads.add(func._overloadpacket.__name__.strip("_"))
        out = func(*args, **kwargs)
        if func._overloadpacket in self.formulas:
            self._correct(func._overloadpacket, args, kwargs, out)
        return out

    def _correct(self, packet: Any, args: Any, kwargs: Any, out: Any) -> None:
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        if irregular := _irregular(tensors):
            self.irregular.add(f"{packet.__name__} of {irregular}")
            return
        if _is_quantised(packet, tensors):
            self.quantised.add(packet.__name__)
        flops = self.formulas[packet](*args, **kwargs, out_val=out)
        by_user = packet._qualified_op_name in USER_FORMULAS
        is_complex = not by_user and any(tensor.is_complex() for tensor in tensors)
        factor = COMPLEX_IN_REAL if is_complex else 1
        if self.in_backward and torch.is_grad_enabled():
            self.recomputed_flops += factor * flops
            factor = 0
        self._corrections[packet] += (factor - 1) * flops

    def corrected(self, flops: Mapping[Any, int]) -> dict[str, int]:
        """MACs by operator, from the FLOPs that torch's counter gave."""
        return {
            packet.__name__: (count + self._corrections[packet]) // 2
            for packet, count in flops.items()
        }

    def refuse(self) -> None:
        """Raise if a product cannot be counted.

        Raises:
            CountError: names it.
        """
        if self.irregular:
            raise CountError(
                f"MACs not counted: {', '.join(sorted(self.irregular))}: its work depends on the "
                "elements that are stored, not on its shape; use dense tensors"
            )


def _is_quantised(packet: Any, tensors: list[Tensor]) -> bool:
    """Whether weights are packed, or operands have a single byte an element."""
    return packet._qualified_op_name.startswith("quantized::") or any(
        tensor.element_size() == 1 and tensor.dtype != torch.bool for tensor in tensors
    )


def _irregular(tensors: list[Tensor]) -> str:
    """What kind of irregular tensor is among them; "" if none is."""
    for tensor in tensors:
        if tensor.is_nested:
            return "a nested tensor"
        if tensor.layout not in (torch.strided, torch._mkldnn):
            return f"a {str(tensor.layout).removeprefix('torch.')} tensor"
    return ""


def reads_values(operator: Any, args: Any, kwargs: Any) -> bool:
    """Whether what follows may depend on values: they are read, or they decide about a shape."""
    if not READING & set(operator.tags):
        return False
    name = operator._overloadpacket.__name__
    if name == "index":  # only masks decide about the shape
        return any(isinstance(leaf, Tensor) and _is_mask(leaf) for leaf in tree_leaves(args[1:]))
    return not (name == "repeat_interleave" and kwargs.get("output_size") is not None)


def _is_mask(tensor: Tensor) -> bool:
    return tensor.dtype in (torch.bool, torch.uint8)

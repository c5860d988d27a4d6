"""Watches each operator that torch's counter counts: what it misses, repeats or cannot know.

- A complex product is one for the counter, and four real ones here.
- Forward work inside a backward pass is recomputation (checkpoints, reversible layers).
- Work on sparse and nested tensors does not follow from shapes, and is refused.
- An operator that reads values, or whose output's shape depends on them, is noted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch._ops import HigherOrderOperator
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from attnbench.profiling.counting.formulas import USER_FORMULAS
from attnbench.profiling.counting.operators import CountError
from attnbench.profiling.counting.origins import Constants
from attnbench.profiling.counting.recomputing import Recomputing

READING = frozenset({torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape})
READ_BY = {"_local_scalar_dense": "item", "index": "a mask", "_unique2": "unique"}
"""Operators by the name that users know."""
COMPLEX_IN_REAL = 4
"""Real multiply-accumulates of a complex one."""


class Opening(TorchDispatchMode):
    """Opens what would hide work: tensor subclasses, branches, and nested tensors."""

    supports_higher_order_operators = True

    def __init__(self, formulas: Mapping[Any, Any]) -> None:
        """Know the operators that the counter has formulas for."""
        super().__init__()
        self.formulas = formulas
        self.branches = False
        """Whether `torch.cond` chose by values; the larger branch is counted."""
        self.nested = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if isinstance(func, HigherOrderOperator):
            self._check(func)
        elif any(kind is not Tensor and not _is_plain(kind) for kind in types):
            return NotImplemented  # so that the subclass takes the operator apart
        self.nested |= any(_is_strided_nested(leaf) for leaf in tree_leaves((args, kwargs)))
        return func(*args, **kwargs)

    def _check(self, operator: HigherOrderOperator) -> None:
        if operator is torch.ops.higher_order.cond:
            self.branches = True
        elif operator not in self.formulas:
            raise CountError(
                f"MACs not counted: torch's counter cannot look into {operator.name()}; write it "
                "as a Python loop or as plain operators"
            )

    def explain(self) -> None:
        """Raise in place of an error, where nested tensors are the likely cause of it.

        Raises:
            CountError: names them.
        """
        if self.nested:
            raise CountError(
                "MACs not counted: nested tensors of strided layout have no shape to count by; use "
                "layout=torch.jagged, or pad them"
            )


def _is_strided_nested(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and leaf.is_nested and leaf.layout is torch.strided


def _is_plain(kind: type) -> bool:
    """Whether the type has no rule of its own for operators."""
    return getattr(kind, "__torch_dispatch__", None) is Tensor.__torch_dispatch__


class OperatorWatch(TorchDispatchMode):
    """Collects what the total of the counter does not say."""

    supports_higher_order_operators = True

    def __init__(self, formulas: Mapping[Any, Any], module: nn.Module) -> None:
        """Watch the calls of a module, with the formulas of the counter (FLOPs, by operator)."""
        super().__init__()
        self.constants = Constants(module)
        self.formulas = formulas
        self.recomputing = Recomputing()
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
        if isinstance(func, HigherOrderOperator):  # one with a formula: the counter asked for it
            return func(*args, **kwargs)
        self.operators.add(func)
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        if reads_values(func, args, kwargs) and not self.constants.include(tensors):
            self.reads.add(
                READ_BY.get(func._overloadpacket.__name__, func._overloadpacket.__name__)
            )
        out = func(*args, **kwargs)
        self.constants.follow(func, tensors, out)
        if func._overloadpacket in self.formulas:
            self._correct(func._overloadpacket, args, kwargs, out, tensors)
        return out

    def _correct(
        self, packet: Any, args: Any, kwargs: Any, out: Any, tensors: list[Tensor]
    ) -> None:
        if irregular := _irregular(tensors):
            self.irregular.add(f"{packet.__name__} of {irregular}")
            return
        if _is_quantised(packet, tensors):
            self.quantised.add(packet.__name__)
        flops = self.formulas[packet](*args, **kwargs, out_val=out)
        by_user = packet._qualified_op_name in USER_FORMULAS
        is_complex = not by_user and any(tensor.is_complex() for tensor in tensors)
        factor = COMPLEX_IN_REAL if is_complex else 1
        if self.recomputing.now():
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
        layout = str(tensor.layout).removeprefix("torch.")
        if layout.startswith("sparse"):
            return f"a {layout} tensor"
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

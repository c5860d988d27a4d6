"""Multiply-accumulates by torch's own counter: of the forward call, and of forward + backward.

`FlopCounterMode` sees each operator below autograd, so it counts backward passes too. It counts a
multiply-add as two; here every count is halved.

On the meta device torch decomposes fused attention into its plain products. Its backward pass is
therefore counted as that of the reference path: two products for each forward one. A fused kernel
recomputes the scores in its backward pass, which the same counter would count as 2.5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from attnbench.profiling.counting.operators import (
    FORMULAS,
    Formula,
    family_of,
    find_operator,
    has_no_macs,
    refuse_uncounted,
)
from attnbench.records import Macs


def count_by_torch(module: nn.Module, inputs: Sequence[Tensor], arguments: Sequence[Any]) -> Macs:
    """Count one forward call `module(*inputs, *arguments)`; all on the meta device.

    Norms are not counted, but listed as such.

    Raises:
        CountError: an operator has no formula and is not in `WITHOUT_MACS`.
    """
    with torch.enable_grad():  # as in fvcore's trace, so that no inference-only path is taken
        return _count(lambda: module(*inputs, *arguments))


def count_training_by_torch(
    module: nn.Module, inputs: Sequence[Tensor], arguments: Sequence[Any]
) -> int | None:
    """MACs of forward and backward, with the gradients of the inputs and of every parameter.

    The module's mode is left as it is: dropout and batch statistics have no products.

    Returns:
        MACs, or None if the module has no backward pass.

    Raises:
        CountError: as for the forward call.
    """
    inputs = [x.detach().requires_grad_() for x in inputs]

    def step() -> None:
        leaves = tree_leaves(module(*inputs, *arguments))
        outputs = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
        torch.autograd.backward(outputs, [torch.ones_like(output) for output in outputs])

    try:
        with torch.enable_grad():
            return _count(step).products_macs
    except RuntimeError:  # autograd raises it if an operator has no derivative
        return None
    finally:
        module.zero_grad()


def _count(call: Callable[[], object]) -> Macs:
    seen = _Operators()
    with seen, FlopCounterMode(display=False, custom_mapping=_formulas()) as counter:
        call()
    left_out = [o for o in seen.operators if o._overloadpacket not in counter.flop_registry]
    names = (operator._schema.name for operator in left_out)
    refuse_uncounted((name for name in names if not has_no_macs(name)), "torch's counter")
    by_operator = {
        operator.__name__: flops // 2
        for operator, flops in counter.get_flop_counts().get("Global", {}).items()
    }
    working = (operator._schema.name for operator in left_out if not operator.is_view)
    return Macs(
        products_macs=counter.get_total_flops() // 2,
        norms_ops=0,
        by_operator_macs=by_operator,
        uncounted=tuple(sorted({family_of(name) for name in working})),
    )


class _Operators(TorchDispatchMode):
    """Collects the operators that are left after the counter's decompositions."""

    def __init__(self) -> None:
        super().__init__()
        self.operators: set[Any] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.operators.add(func)
        return func(*args, **(kwargs or {}))


def _formulas() -> dict[Any, Any]:
    """The project's formulas as torch's counter calls them, and a repair of one of torch's own."""
    known = {find_operator(name): _as_flops(formula) for name, formula in FORMULAS.items()}
    return {**known, torch.ops.aten.convolution_backward: _convolution_backward_flops}


def _as_flops(formula: Formula) -> Callable[..., int]:
    """Adapt a formula: torch's counter passes a `torch.Size` for each tensor."""

    def flops(*args: Any, out_shape: Any = None, **kwargs: Any) -> int:
        outputs = [out_shape] if isinstance(out_shape, torch.Size) else list(out_shape or ())
        values = [*args, *kwargs.values()]
        return 2 * formula(_sizes(values), _sizes(outputs))

    return flops


def _sizes(values: Sequence[Any]) -> list[torch.Size]:
    return [value for value in values if isinstance(value, torch.Size)]


def _convolution_backward_flops(
    grad_shape: torch.Size,
    image_shape: torch.Size,
    weight_shape: torch.Size,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
    wanted: Sequence[bool],
    **kwargs: Any,
) -> int:
    """Each of the two gradients takes the products of the forward convolution.

    torch's own formula (2.13 and 2.15) computes the weight's gradient as if there were one group,
    and so multiplies the count of a depthwise convolution by its channels.
    """
    sides = (image_shape if transposed else grad_shape)[2:]
    forward = 2 * image_shape[0] * prod(weight_shape) * prod(sides)
    return forward * (wanted[0] + wanted[1])

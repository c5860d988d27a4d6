"""Multiply-accumulates by torch's own counter: of the forward call, and of forward + backward.

`FlopCounterMode` sees each operator below autograd, so it counts backward passes too. It counts a
multiply-add as two; here every count is halved.

On the meta device torch decomposes fused attention into its plain products. Its backward pass is
therefore counted as that of the reference path: two products for each forward one. A fused kernel
recomputes the scores in its backward pass, which the same counter would count as 2.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from attnbench.profiling.counting.formulas import USER_FORMULAS, Formula, own_formulas
from attnbench.profiling.counting.functions import Functions
from attnbench.profiling.counting.operators import (
    CountError,
    family_of,
    find_operator,
    has_no_macs,
    refuse_uncounted,
)
from attnbench.profiling.counting.watching import Opening, OperatorWatch
from attnbench.records import Macs


@dataclass(frozen=True, kw_only=True)
class TorchCount:
    """What torch's counter found in one call."""

    macs: Macs
    free_by_formula: frozenset[str]
    """Those operators of `macs.by_formula` for which the formula always gave 0."""
    reads: tuple[str, ...]
    """Operators by which the code looks at values: what it does may depend on them."""
    leaving: tuple[str, ...]
    """Methods by which values left torch."""
    branches: bool
    """Whether `torch.cond` chose by values."""
    quantised_macs: Mapping[str, int]
    """Products of integers or of packed weights, by operator."""
    long_einsums: tuple[tuple[int, str], ...]
    """Operands and equation of each einsum of more than two operands."""
    recomputed_macs: int
    """Of forward work that the backward pass did again; they are no part of `macs`."""


def count_by_torch(module: nn.Module, inputs: Sequence[Tensor], arguments: Sequence[Any]) -> Macs:
    """The MACs of `watch_forward`."""
    return watch_forward(module, inputs, arguments).macs


def watch_forward(
    module: nn.Module, inputs: Sequence[Tensor], arguments: Sequence[Any]
) -> TorchCount:
    """Count one forward call `module(*inputs, *arguments)`.

    Norms are not counted, but listed as such.

    Raises:
        CountError: an operator has no formula and is not in `WITHOUT_MACS`.
    """
    with torch.enable_grad():  # as in fvcore's trace, so that no inference-only path is taken
        return _count(module, lambda watch: module(*inputs, *arguments))


def watch_training(
    module: nn.Module, inputs: Sequence[Tensor], arguments: Sequence[Any]
) -> TorchCount | None:
    """Forward and backward in training mode, with the gradients of inputs and unfrozen parameters.

    A module that cannot be called in training mode is left in evaluation mode.

    Returns:
        The count, or None if the module has no backward pass.

    Raises:
        CountError: as for the forward call.
    """
    was_training = module.training
    try:
        return _count_step(module.train(), inputs, arguments)
    except CountError:
        raise
    except Exception:  # noqa: BLE001 - batch statistics of one value, for example
        return _step_or_none(module.eval(), inputs, arguments)
    finally:
        module.train(was_training)


def _step_or_none(
    module: nn.Module, inputs: Sequence[Tensor], arguments: Sequence[Any]
) -> TorchCount | None:
    try:
        return _count_step(module, inputs, arguments)
    except CountError:
        raise
    except Exception:  # noqa: BLE001 - an operator without a derivative, and many other causes
        return None


def _count_step(
    module: nn.Module, inputs: Sequence[Tensor], arguments: Sequence[Any]
) -> TorchCount | None:
    inputs = [x.detach().requires_grad_() for x in inputs]

    def step(watch: OperatorWatch) -> None:
        leaves = tree_leaves(module(*inputs, *arguments))
        outputs = [leaf for leaf in leaves if isinstance(leaf, Tensor) and leaf.requires_grad]
        if not outputs:
            raise RuntimeError("no output has a gradient")
        ones = [torch.ones_like(output) for output in outputs]
        with watch.recomputing.backward_pass():
            torch.autograd.backward(outputs, ones)
        if all(leaf.grad is None for leaf in (*inputs, *module.parameters())):
            raise RuntimeError("no gradient arrives")  # integer products pass none on

    try:
        with torch.enable_grad():
            return _count(module, step)
    finally:
        module.zero_grad()


def _count(module: nn.Module, call: Callable[[OperatorWatch], object]) -> TorchCount:
    counter = FlopCounterMode(display=False, custom_mapping=_formulas())
    watch = OperatorWatch(counter.flop_registry, module)
    functions = Functions(watch.constants)
    opening = Opening(counter.flop_registry)
    # Operators pass these from the last to the first: a subclass is opened, torch's counter takes
    # the operator apart and counts it, and the watch sees what is left.
    with functions, watch, counter, opening:
        try:
            call(watch)
        except Exception:
            opening.explain()
            raise
        finally:
            watch.refuse()
    names = (operator._schema.name for operator in watch.left_out)
    refuse_uncounted((name for name in names if not has_no_macs(name)), "torch's counter")
    by_operator = watch.corrected(counter.get_flop_counts().get("Global", {}))
    by_formula = watch.names & set(USER_FORMULAS)
    working = (operator._schema.name for operator in watch.left_out if not operator.is_view)
    return TorchCount(
        macs=Macs(
            products_macs=sum(by_operator.values()),
            norms_ops=0,
            by_operator_macs={name: count for name, count in by_operator.items() if count},
            uncounted=tuple(sorted({family_of(name) for name in working})),
            by_formula=tuple(sorted(by_formula)),
        ),
        free_by_formula=frozenset(n for n in by_formula if not by_operator.get(n.split("::")[1])),
        reads=tuple(sorted(watch.reads | functions.reads)),
        leaving=tuple(sorted(functions.leaving)),
        branches=opening.branches,
        quantised_macs={name: n for name, n in by_operator.items() if name in watch.quantised},
        long_einsums=tuple(functions.long_einsums),
        recomputed_macs=watch.recomputed_flops // 2,
    )


def _formulas() -> dict[Any, Any]:
    """The project's formulas as torch's counter calls them, and a repair of one of torch's own."""
    repair = {torch.ops.aten.convolution_backward: _convolution_backward_flops}
    own = {find_operator(name): _as_flops(formula) for name, formula in own_formulas().items()}
    return {**repair, **own}


def _as_flops(formula: Formula) -> Callable[..., int]:
    """Adapt a formula: torch's counter passes a `torch.Size` for each tensor."""

    def flops(*args: Any, out_shape: Any = None, **kwargs: Any) -> int:
        outputs = [out_shape] if isinstance(out_shape, torch.Size) else list(out_shape or ())
        return 2 * formula(_sizes((*args, *kwargs.values())), _sizes(outputs))

    return flops


def _sizes(values: Iterable[Any]) -> list[torch.Size]:
    """The shapes among the values; an object of packed weights gives the shape of its weight."""
    sizes = (_packed_shape(v) if isinstance(v, torch.ScriptObject) else v for v in values)
    return [size for size in sizes if isinstance(size, torch.Size)]


def _packed_shape(weights: Any) -> torch.Size:
    return weights.unpack()[0].shape


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

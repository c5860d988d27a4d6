"""Formulas for multiply-accumulates: the project's own, and those that users register."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from math import prod
from numbers import Real
from typing import Any

import torch
from torch.utils.flop_counter import flop_registry

from attnbench.errors import UserError
from attnbench.profiling.counting.operators import CountError, family_of, find_operator

Shapes = Sequence[Sequence[int]]
Formula = Callable[[Shapes, Shapes], int]
"""From the shapes of an operator's tensor inputs, and of its outputs, to its MACs."""


def _packed_linear(inputs: Shapes, outputs: Shapes) -> int:
    """A linear layer: elements in × channels out, whatever the shape of its packed weight."""
    return prod(inputs[0]) * outputs[0][-1]


def _packed_convolution(inputs: Shapes, outputs: Shapes) -> int:
    """A convolution: elements out × the weights of a channel."""
    return prod(outputs[0]) * prod(inputs[1][1:])


_LINEAR = "linear linear_relu linear_dynamic linear_relu_dynamic linear_dynamic_fp16"
_CONVOLUTIONS = "conv1d conv2d conv3d conv1d_relu conv2d_relu conv3d_relu"
_PACKED: dict[str, Formula] = {
    **{f"quantized::{name}": _packed_linear for name in _LINEAR.split()},
    **{f"quantized::{name}": _packed_convolution for name in _CONVOLUTIONS.split()},
}
"""Operators of quantised layers; their packed weights count as inputs of their shape."""

FORMULAS: dict[str, Formula] = {
    "aten::mv": lambda inputs, outputs: prod(inputs[0]),
    "aten::dot": lambda inputs, outputs: prod(inputs[0]),
    "aten::vdot": lambda inputs, outputs: prod(inputs[0]),
    "aten::addmv": lambda inputs, outputs: prod(inputs[1]),
    "aten::addbmm": lambda inputs, outputs: prod(inputs[1]) * inputs[2][-1],
    "aten::baddbmm": lambda inputs, outputs: prod(inputs[1]) * inputs[2][-1],
    "aten::affine_grid_generator": lambda inputs, outputs: prod(outputs[0]) * inputs[0][-1],
    "aten::_int_mm": lambda inputs, outputs: prod(inputs[0]) * inputs[1][-1],
    "aten::_weight_int8pack_mm": _packed_linear,
    "aten::_weight_int4pack_mm": _packed_linear,
    "aten::_weight_int4pack_mm_for_cpu": _packed_linear,
    **_PACKED,
}
"""For operators that at least one of the two counters would leave out; both use it."""

WHOLES = frozenset(
    {"aten::matmul", "aten::linear", "aten::einsum", "aten::scaled_dot_product_attention"}
)
"""What torch takes apart into operators that are counted."""

USER_FORMULAS: dict[str, Formula] = {}
"""By `register_macs_formula`; they come before all others."""


def own_formulas() -> dict[str, Formula]:
    """The project's and the users' formulas, those that torch can find the operator of."""
    users: dict[str, Formula] = {
        name: partial(_checked, name, formula) for name, formula in USER_FORMULAS.items()
    }
    return {name: formula for name, formula in {**FORMULAS, **users}.items() if _exists(name)}


def all_formulas() -> dict[str, Formula]:
    """`own_formulas`, and those registered with torch's `register_flop_formula` from outside."""
    return {**_registered_with_torch(), **own_formulas()}


def register_macs_formula(operator: str, formula: Formula) -> None:
    """Tell both counters how to count an operator of yours.

    If torch decomposes the operator, fvcore asks for the formula of the whole and torch's counter
    for those of the parts: register all. A custom backward pass is an operator of its own. Records
    name the operators that were counted so.

    Args:
        operator: its full name, "namespace::name".
        formula: takes the shapes of the inputs and of the outputs, returns multiply-accumulates
            (0 for none). Shapes are those of tensors passed directly, in order: numbers, absent
            tensors and tensors inside lists are left out.

    Raises:
        UserError: torch knows no operator of that name, or the counters count it already.
    """
    if not _exists(operator):
        raise UserError(
            f"torch knows no operator {operator!r}; expected 'namespace::name' of one that is "
            "defined already"
        )
    if operator in _counted_already():
        raise UserError(
            f"{operator} is counted already, for every attention; a formula is for an operator "
            "that the counters do not know"
        )
    USER_FORMULAS[operator] = formula


def _counted_already() -> set[str]:
    names = {str(packet).replace(".", "::") for packet in flop_registry}
    return {name for name in names if name.startswith("aten::")} | set(FORMULAS) | WHOLES


def formula_notes(operators: Iterable[str], without_macs: Iterable[str]) -> list[str]:
    """What a record says of the operators that were counted by a user's formula.

    Args:
        operators: all of them, by their full names.
        without_macs: those among them for which the formula gave 0 at every call.
    """
    free = sorted(set(without_macs))
    counted = sorted(set(operators) - set(free))
    notes = [f"{_kinds(free)}: 0 by your formula ({', '.join(free)})"] if free else []
    return notes + ([f"counted by your formula: {', '.join(counted)}"] if counted else [])


def _kinds(operators: Sequence[str]) -> str:
    """The operators in words; all parts of Fourier transforms have one name."""
    names = (family_of(operator) for operator in operators)
    return ", ".join(
        dict.fromkeys("Fourier transforms" if name.startswith("fft_") else name for name in names)
    )


def _exists(operator: str) -> bool:
    try:
        find_operator(operator)
    except AttributeError:
        return False
    return True


def _checked(operator: str, formula: Formula, inputs: Shapes, outputs: Shapes) -> int:
    """What a user's formula gives.

    Raises:
        CountError: it raised, or gave no whole number of at least 0.
    """
    try:
        macs = formula(inputs, outputs)
    except Exception as error:
        raise CountError(
            f"your formula for {operator} raised {type(error).__name__}: {error}; it was given "
            f"inputs {_plain(inputs)} and outputs {_plain(outputs)}"
        ) from error
    if not isinstance(macs, Real) or not float(macs).is_integer() or macs < 0:
        raise CountError(
            f"your formula for {operator} gave {macs!r}; expected a whole number of "
            "multiply-accumulates, 0 or more"
        )
    return int(macs)


def _plain(shapes: Shapes) -> list[tuple[int, ...]]:
    return [tuple(shape) for shape in shapes]


def _registered_with_torch() -> dict[str, Formula]:
    packets = {str(packet).replace(".", "::"): packet for packet in flop_registry}
    return {
        name: partial(_halved, flop_registry[packet])
        for name, packet in packets.items()
        if not name.startswith("aten::")
    }


def _halved(flops: Callable[..., int], inputs: Shapes, outputs: Shapes) -> int:
    """MACs by a formula of torch's counter, which takes tensors and counts one MAC as two."""
    tensors: list[Any] = [torch.empty(shape, device="meta") for shape in inputs]
    results = tuple(torch.empty(shape, device="meta") for shape in outputs)
    return flops(*tensors, out_val=results) // 2

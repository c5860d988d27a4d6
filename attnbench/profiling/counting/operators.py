"""What the counters know of operators: which have no multiply-accumulates, and added formulas.

A count fails if an operator has no formula and is not known to be free of multiply-accumulates.
The error names the operator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from math import prod
from typing import Any

import torch
from torch.utils.flop_counter import flop_registry

from attnbench.errors import UserError
from attnbench.isolation.failure import ExplainedError

Shapes = Sequence[Sequence[int]]
Formula = Callable[[Shapes, Shapes], int]
"""From the shapes of an operator's tensor inputs, and of its outputs, to its MACs."""


class CountError(ExplainedError, UserError):  # so a cell has failed, and is not "unsupported"
    """A count would leave work out, or two ways to count disagree."""


NORMS = frozenset({"layer_norm", "batch_norm", "group_norm", "instance_norm"})
"""fvcore counts these at 4-5 operations an element; they are no MACs and are listed apart."""

INTERPOLATIONS = frozenset(
    {"adaptive_avg_pool2d", "grid_sampler", "upsample_bilinear2d", "upsample_nearest2d"}
)
"""fvcore counts these at 1-4 operations an element; they are no matrix products."""

_NAMES_WITHOUT_MACS = """
    adaptive_avg_pool1d adaptive_max_pool2d all amax amin any arange argmax argsort avg_pool1d
    avg_pool2d batch_norm_legit batch_norm_legit_no_training bernoulli cat col2im constant_pad_nd
    cummax cumprod cumsum dropout embedding embedding_dense empty empty_like empty_strided eye fill
    flip floor_divide fold full full_like gather ger glu grid_sampler_2d hardswish im2col index
    index_add index_fill index_put index_select linalg_vector_norm linspace log_softmax logcumsumexp
    logsumexp max_pool1d max_pool2d max_pool2d_with_indices mean median meshgrid new_empty
    new_empty_strided new_full new_zeros norm one_hot ones ones_like or outer pad pixel_shuffle
    pixel_unshuffle prod rand rand_like randn randn_like reflection_pad2d repeat repeat_interleave
    replication_pad2d rms_norm roll safe_softmax scalar_tensor scatter scatter_add select_scatter
    softmax softmin sort stack std std_mean sum tensor tile to_copy topk tril triu
    upsample_bicubic2d upsample_bicubic2d_aa upsample_bilinear2d_aa upsample_nearest1d var var_mean
    zero zeros zeros_like
"""
WITHOUT_MACS = NORMS | INTERPOLATIONS | frozenset(_NAMES_WITHOUT_MACS.split())
"""Reductions, copies and indexing: they take time but no multiply-accumulates.

Names are those of `family_of`. Elementwise operators and views are left out here: torch itself
marks them as such.
"""

FORMULAS: dict[str, Formula] = {
    "aten::mv": lambda inputs, outputs: prod(inputs[0]),
    "aten::dot": lambda inputs, outputs: prod(inputs[0]),
    "aten::addmv": lambda inputs, outputs: prod(inputs[1]),
    "aten::addbmm": lambda inputs, outputs: prod(inputs[1]) * inputs[2][-1],
    "aten::baddbmm": lambda inputs, outputs: prod(inputs[1]) * inputs[2][-1],
}
"""For operators that at least one of the two counters would leave out; both use it."""


def all_formulas() -> dict[str, Formula]:
    """The project's, and those registered with torch's `register_flop_formula` from outside."""
    return {**_registered_with_torch(), **FORMULAS}


def _registered_with_torch() -> dict[str, Formula]:
    packets = {str(packet).replace(".", "::"): packet for packet in flop_registry}
    return {
        name: partial(_halved, flop_registry[packet])
        for name, packet in packets.items()
        if not name.startswith("aten::")
    }


def _halved(flops: Callable[..., int], inputs: Shapes, outputs: Shapes) -> int:
    """MACs by a formula of torch's counter, which takes tensors and counts one MAC as two."""
    tensors = [torch.empty(shape, device="meta") for shape in inputs]
    results = tuple(torch.empty(shape, device="meta") for shape in outputs)
    return flops(*tensors, out_val=results) // 2


def register_macs_formula(operator: str, formula: Formula) -> None:
    """Tell both counters how to count an operator of yours.

    If torch decomposes the operator, fvcore asks for the formula of the whole and torch's counter
    for those of the parts: register all. A custom backward pass is an operator of its own.

    Args:
        operator: its full name, "namespace::name".
        formula: takes the shapes of the inputs and of the outputs, returns multiply-accumulates
            (0 for none). Shapes are those of tensors passed directly, in order: numbers, absent
            tensors and tensors inside lists are left out.

    Raises:
        UserError: torch knows no operator of that name.
    """
    try:
        find_operator(operator)
    except AttributeError:
        raise UserError(
            f"torch knows no operator {operator!r}; expected 'namespace::name' of one that is "
            "defined already"
        ) from None
    FORMULAS[operator] = formula


def find_operator(name: str) -> Any:
    """The operator with all its overloads."""
    namespace, _, operator = name.partition("::")
    return getattr(getattr(torch.ops, namespace), operator)


def family_of(operator: str) -> str:
    """`aten::_softmax_backward_data`, `aten::softmax` and `aten::softmax_` are all "softmax"."""
    name = operator.partition("::")[2].strip("_")
    name = name.removeprefix("native_").removeprefix("unsafe_")
    return name.removesuffix("_data").removesuffix("_backward")


def has_no_macs(operator: str) -> bool:
    """Whether it is an operator of torch that `WITHOUT_MACS` or torch marks as free of MACs."""
    if not operator.startswith("aten::"):
        return False
    family = family_of(operator)
    described = any(_is_elementwise_or_view(name) for name in (operator, f"aten::{family}"))
    return described or family in WITHOUT_MACS


def _is_elementwise_or_view(operator: str) -> bool:
    """Whether torch marks it so; False for an unknown name."""
    try:
        packet = find_operator(operator)
    except AttributeError:
        return False
    overloads = (getattr(packet, name) for name in packet.overloads())
    return any(one.is_view or torch.Tag.pointwise in one.tags for one in overloads)


def refuse_uncounted(operators: Iterable[str], counter: str) -> None:
    """Raise if a counter left out operators that may have MACs.

    Raises:
        CountError: names the operators, and how to register a formula.
    """
    if unknown := sorted(set(operators)):
        raise CountError(
            f"MACs not counted: {counter} has no formula for {', '.join(unknown)}; "
            "give one with attnbench.profiling.counting.macs.register_macs_formula"
        )

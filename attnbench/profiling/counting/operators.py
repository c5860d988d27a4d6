"""What the counters know of operators: which hold no multiply-accumulate, and further formulas.

An operator that neither has a formula nor is known to hold no multiply-accumulate makes a count
fail, by name: a count that leaves work out is no count.
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
    """A count that would leave work out, or that does not agree with another way to count."""


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
    upsample_bicubic2d upsample_nearest1d var var_mean zero zeros zeros_like
"""
WITHOUT_MACS = NORMS | INTERPOLATIONS | frozenset(_NAMES_WITHOUT_MACS.split())
"""Reductions, copies and indexing: real time, no multiply-accumulate; names as of `family_of`.

Elementwise operators and views need not be here: torch describes them as such itself.
"""

FORMULAS: dict[str, Formula] = {
    "aten::mv": lambda inputs, outputs: prod(inputs[0]),
    "aten::dot": lambda inputs, outputs: prod(inputs[0]),
    "aten::addmv": lambda inputs, outputs: prod(inputs[1]),
    "aten::addbmm": lambda inputs, outputs: prod(inputs[1]) * inputs[2][-1],
    "aten::baddbmm": lambda inputs, outputs: prod(inputs[1]) * inputs[2][-1],
}
"""For operators that fvcore or torch's counter, or both, would leave out; both counters use it."""


def all_formulas() -> dict[str, Formula]:
    """The project's, and what operators from outside torch told `register_flop_formula`."""
    return {**_told_to_torch(), **FORMULAS}


def _told_to_torch() -> dict[str, Formula]:
    packets = {str(packet).replace(".", "::"): packet for packet in flop_registry}
    return {
        name: partial(_halved, flop_registry[packet])
        for name, packet in packets.items()
        if not name.startswith("aten::")
    }


def _halved(flops: Callable[..., int], inputs: Shapes, outputs: Shapes) -> int:
    """A formula of torch's counter, which takes tensors and counts a multiply-add as two."""
    tensors = [torch.empty(shape, device="meta") for shape in inputs]
    results = tuple(torch.empty(shape, device="meta") for shape in outputs)
    return flops(*tensors, out_val=results) // 2


def register_macs_formula(operator: str, formula: Formula) -> None:
    """Tell both counters how to count an operator of yours.

    An operator that torch takes apart has two names: fvcore asks for that of the whole, torch's
    counter for those of its parts. A backward pass of its own is an operator of its own.

    Args:
        operator: its full name, "namespace::name".
        formula: from the shapes of the inputs and of the outputs to multiply-accumulates, or to 0
            where there are none. The shapes are those of tensors passed directly, in order:
            numbers, absent tensors, and tensors inside of lists are left out.

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
    """The operator as torch holds it, all overloads together."""
    namespace, _, operator = name.partition("::")
    return getattr(getattr(torch.ops, namespace), operator)


def family_of(operator: str) -> str:
    """`aten::_softmax_backward_data`, `aten::softmax` and `aten::softmax_` are all "softmax"."""
    name = operator.partition("::")[2].strip("_")
    name = name.removeprefix("native_").removeprefix("unsafe_")
    return name.removesuffix("_data").removesuffix("_backward")


def has_no_macs(operator: str) -> bool:
    """Whether it is one of torch's own, and the list or torch says that it holds no MAC."""
    if not operator.startswith("aten::"):
        return False
    family = family_of(operator)
    described = any(_is_elementwise_or_view(name) for name in (operator, f"aten::{family}"))
    return described or family in WITHOUT_MACS


def _is_elementwise_or_view(operator: str) -> bool:
    """What torch says of an operator, if there is one of that name."""
    try:
        packet = find_operator(operator)
    except AttributeError:
        return False
    overloads = (getattr(packet, name) for name in packet.overloads())
    return any(one.is_view or torch.Tag.pointwise in one.tags for one in overloads)


def refuse_uncounted(operators: Iterable[str], counter: str) -> None:
    """Raise where a counter left out operators that may hold work.

    Raises:
        CountError: names the operators, and how to register a formula.
    """
    if unknown := sorted(set(operators)):
        raise CountError(
            f"MACs not counted: {counter} has no formula for {', '.join(unknown)}; "
            "give one with attnbench.profiling.counting.macs.register_macs_formula"
        )

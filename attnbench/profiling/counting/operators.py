"""What the counters know of operators: their names, and which have no multiply-accumulates.

A count fails if an operator has no formula and is not known to be free of multiply-accumulates.
The error names the operator.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from attnbench.errors import UserError
from attnbench.isolation.failure import ExplainedError
from attnbench.profiling.counting.free_operators import WITHOUT_MACS


class CountError(ExplainedError, UserError):  # so a cell has failed, and is not "unsupported"
    """A count would leave work out, or two ways to count disagree."""


def in_a_sentence(error: Exception) -> str:
    """The type of an error and its first sentence."""
    line = (str(error).strip().splitlines() or ["no message"])[0]
    return f"{type(error).__name__}: {line.split('. ')[0]}"


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
    if not operator.startswith(("aten::", "quantized::")):
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
            f"MACs not counted: {counter} has no formula for {', '.join(unknown)}; give one with "
            f'attnbench.register_macs_formula("{unknown[0]}", lambda inputs, outputs: MACs), from '
            "the shapes of its tensors (0 for none)"
        )

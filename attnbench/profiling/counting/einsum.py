"""Multiply-accumulates of an einsum of one or two operands, from its equation.

The count is the product of the sizes of all labels. Three rules follow torch:

- A label that is summed in one operand alone (or that the other only broadcasts) is summed before
  the product.
- Without a shared label to sum over, operands are multiplied element by element: 0 MACs.
- With three or more operands torch chooses the order of the products: there is no formula.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod
from typing import NoReturn

from attnbench.profiling.counting.formulas import Shapes
from attnbench.profiling.counting.operators import CountError


def einsum_macs(equation: str, shapes: Shapes) -> int:
    """MACs of `torch.einsum(equation, ...)` on tensors of these shapes.

    Raises:
        CountError: there are more than two operands.
    """
    if len(shapes) > 2:
        refuse_many_operands(len(shapes), equation)
    terms, arrow, output = equation.replace(" ", "").partition("->")
    operands = [_sizes(*pair) for pair in zip(terms.split(","), shapes, strict=True)]
    uses = Counter(label for sizes in operands for label in sizes)
    kept = {label for label, count in uses.items() if _is_kept(label, count, output, bool(arrow))}
    shared = {label for label, count in uses.items() if count == 2}
    if not shared - kept:
        return 0
    summed = {label for label in shared - kept if all(sizes[label] > 1 for sizes in operands)}
    return prod(max(sizes.get(label, 1) for sizes in operands) for label in kept | summed)


def refuse_many_operands(operands: int, equation: str = "") -> NoReturn:
    """Raise for an einsum of more than two operands.

    Raises:
        CountError: always.
    """
    number = {3: "three", 4: "four", 5: "five"}.get(operands, operands)
    of = f", '{equation}'" if equation else ""
    raise CountError(
        f"MACs not counted: einsum of {number} operands{of}: torch chooses their order; write as "
        "products of two"
    )


def _is_kept(label: str, uses: int, output: str, has_output: bool) -> bool:
    """Whether the label is in the output; an implicit output has the labels that occur once."""
    if label.startswith("."):
        return "..." in output or not has_output
    return label in output if has_output else uses == 1


def _sizes(term: str, shape: Sequence[int]) -> dict[str, int]:
    """Size of each label; the dimensions of an ellipsis are labelled from the right."""
    before, _, after = term.partition("...")
    spread = len(shape) - len(before) - len(after)
    labels = [*before, *(f".{spread - i}" for i in range(spread)), *after]
    return dict(zip(labels, shape, strict=True))

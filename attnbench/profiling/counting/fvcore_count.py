"""Multiply-accumulates by fvcore, with its gaps closed.

fvcore traces a module and applies one formula per operator; one multiply-add counts as one. It has
gaps that our own handles close:

- Fused attention has no formula and counts as zero.
- A product whose first operand broadcasts (anchors shared by a batch) is counted once, not once
  per batch element.
- An einsum is read from a printed, rounded number.
- Convolutions with `padding="same"` have no formula.
- A complex product counts as one, and not as four real ones.

The trace leaves out work that does not reach the module's output.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from attnbench.profiling.counting.einsum import einsum_macs
from attnbench.profiling.counting.formulas import USER_FORMULAS, Formula, all_formulas
from attnbench.profiling.counting.free_operators import INTERPOLATIONS, NORMS
from attnbench.profiling.counting.functions import Functions
from attnbench.profiling.counting.operators import (
    CountError,
    has_no_macs,
    in_a_sentence,
    refuse_uncounted,
)
from attnbench.profiling.counting.watching import COMPLEX_IN_REAL
from attnbench.records import Macs


def count_by_fvcore(module: nn.Module, inputs: Sequence[Tensor], arguments: Sequence[Any]) -> Macs:
    """Count one forward call `module(*inputs, *arguments)`.

    Raises:
        CountError: fvcore cannot trace the call, or an operator has no formula and is not in
            `WITHOUT_MACS`.
    """
    with _quiet():
        from fvcore.nn import FlopCountAnalysis

    analysis = FlopCountAnalysis(_Applied(module, arguments), tuple(inputs))
    for name, handle in _handles().items():
        analysis.set_op_handle(name, handle)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    by_operator = _by_operator(analysis)
    uncounted = sorted(analysis.unsupported_ops())
    refuse_uncounted((name for name in uncounted if not has_no_macs(name)), "fvcore")
    return _macs(by_operator, uncounted)


def _by_operator(analysis: Any) -> dict[str, int]:
    try:
        with _quiet(), _traceable_convolutions(), Functions():
            return {name: round(count) for name, count in analysis.by_operator().items()}
    except CountError:
        raise
    except Exception as error:  # the tracer and fvcore raise many types
        raise CountError(f"fvcore cannot trace it: {in_a_sentence(error)}") from error


def _macs(by_operator: dict[str, int], uncounted: Sequence[str]) -> Macs:
    """Separate products from norms; list interpolations as not counted."""
    interpolations = INTERPOLATIONS & set(by_operator)
    by_operator = {name: n for name, n in by_operator.items() if name not in interpolations}
    norms = sum(count for name, count in by_operator.items() if name in NORMS)
    names = interpolations | {name.removeprefix("aten::") for name in uncounted}
    return Macs(
        products_macs=sum(by_operator.values()) - norms,
        norms_ops=norms,
        by_operator_macs=by_operator,
        uncounted=tuple(sorted(names)),
    )


class _Applied(nn.Module):
    """A module with its non-tensor arguments bound, since a trace takes tensors only."""

    def __init__(self, module: nn.Module, arguments: Sequence[Any]) -> None:
        super().__init__()
        self.module = module
        self.arguments = arguments

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.module(*inputs, *self.arguments)


def _handles() -> dict[str, Any]:
    from fvcore.nn.jit_handles import addmm_flop_jit, bmm_flop_jit, linear_flop_jit

    products = {
        "aten::scaled_dot_product_attention": _attention_macs,
        "aten::matmul": _matmul_macs,
        "aten::mm": _matmul_macs,
        "aten::einsum": _einsum_macs,
        "aten::_convolution_mode": _named_padding_macs,
        "aten::addmm": addmm_flop_jit,
        "aten::bmm": bmm_flop_jit,
        "aten::linear": linear_flop_jit,
        **{name: _handle(formula) for name, formula in all_formulas().items()},
    }
    return {
        name: handle if name in USER_FORMULAS else _complex_aware(handle)
        for name, handle in products.items()
    }


def _complex_aware(handle: Any) -> Any:
    """A handle for products, with a complex one counted as its real ones."""

    def macs(inputs: list[Any], outputs: list[Any]) -> int:
        return handle(inputs, outputs) * (COMPLEX_IN_REAL if _is_complex(outputs[0]) else 1)

    return macs


def _is_complex(value: Any) -> bool:
    return value.isCompleteTensor() and "Complex" in str(value.type().scalarType())


def _handle(formula: Formula) -> Any:
    """A formula over shapes as fvcore calls it."""

    def shapes(values: list[Any]) -> list[torch.Size]:
        return [torch.Size(_shape(value)) for value in values if value.isCompleteTensor()]

    return lambda inputs, outputs: formula(shapes(inputs), shapes(outputs))


def _shape(value: Any) -> list[int]:
    return value.type().sizes()


def _attention_macs(inputs: list[Any], outputs: list[Any]) -> int:
    """Fused attention: scores (… n × k of depth d) and the weighted sum (… n × d of depth k)."""
    query, key, value = (_shape(v) for v in inputs[:3])
    rows = prod(_shape(outputs[0])[:-1])  # queries may broadcast over the batch
    return rows * key[-2] * (query[-1] + value[-1])


def _matmul_macs(inputs: list[Any], outputs: list[Any]) -> int:
    """Elements of the output times the inner dimension; right for every broadcast."""
    return prod(_shape(outputs[0])) * _shape(inputs[0])[-1]


def _einsum_macs(inputs: list[Any], outputs: list[Any]) -> int:
    operands = inputs[1].node().inputs()
    return einsum_macs(inputs[0].toIValue(), [_shape(operand) for operand in operands])


def _named_padding_macs(inputs: list[Any], outputs: list[Any]) -> int:
    """A convolution whose padding is given by name: elements of the output times the kernel."""
    return prod(_shape(outputs[0])) * prod(_shape(inputs[1])[1:])


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide the deprecation warnings of fvcore and the tracer: users cannot act on them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _traceable_convolutions() -> Iterator[None]:
    """Let convolutions be traced on the meta device.

    From torch 2.15 on, their meta kernel is Python code above the operator that the trace records,
    and it rejects the symbolic sizes of a trace. The replacement calls the recorded operator, with
    a kernel that reads sizes as integers.
    """
    with torch.library._scoped_library("aten", "IMPL") as library:
        library.impl("convolution", _recorded_convolution, "Meta", allow_override=True)
        library.impl("_convolution", _convolution_shape, "Meta", allow_override=True)
        yield


def _recorded_convolution(*arguments: Any) -> Tensor:
    flags = [False] * 4  # benchmark, deterministic, cudnn_enabled, allow_tf32: of no effect here
    return torch.ops.aten._convolution(*arguments, *flags)


def _convolution_shape(
    image: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    transposed: bool,
    output_padding: list[int],
    groups: int,
    *flags: bool,
) -> Tensor:
    """An empty output of the right shape (formulas of torch.nn.Conv2d and ConvTranspose2d)."""
    sides = [int(side) for side in image.shape[2:]]
    kernel = [int(side) for side in weight.shape[2:]]
    if transposed:
        channels = int(weight.shape[1]) * groups
        out = [
            (n - 1) * s - 2 * p + d * (k - 1) + o + 1
            for n, s, p, d, k, o in zip(
                sides, stride, padding, dilation, kernel, output_padding, strict=True
            )
        ]
    else:
        channels = int(weight.shape[0])
        out = [
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, s, p, d, k in zip(sides, stride, padding, dilation, kernel, strict=True)
        ]
    return torch.empty([int(image.shape[0]), channels, *out], dtype=image.dtype, device="meta")

"""Multiply-accumulates by fvcore, made complete.

fvcore traces a module and applies one formula per operator; one multiply-add counts as one. Alone
it has two gaps that matter for attention: fused attention has no formula and counts as zero, and
a product whose first operand broadcasts (anchors shared by a batch) is counted once instead of
once per batch element. Two handles close them.

Everything is counted on the meta device, where tensors have shapes and no data: no arithmetic, no
memory, the same answer for every device, in seconds even for dense attention at 65,536 tokens.

An operator without a formula is either known to hold no multiply-accumulate (`WITHOUT_MACS`) and
is listed with the count, or it is an error: a count that leaves work out is no count.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from attnbench.errors import UserError
from attnbench.records import Macs

NORMS = frozenset({"layer_norm", "batch_norm", "group_norm", "instance_norm"})
"""fvcore counts these at 4-5 operations an element; they are no MACs and are listed apart."""

_NAMES_WITHOUT_MACS = """
    __or__ abs add add_ alias amax argsort bitwise_not bitwise_or cat clamp clamp_min clone copy
    copy_ cumsum detach div div_ dropout embedding empty eq exp expand_as fill_ flip floor_divide
    full gather ge gelu gt hardswish hardtanh im2col index index_select le lift_fresh log lt
    masked_fill maximum mean minimum mul mul_ ne neg new_empty new_full new_zeros norm ones one_hot
    pad pow reciprocal relu relu_ repeat repeat_interleave reshape_as roll rsqrt rsub scatter
    select_scatter sigmoid silu silu_ softmax sort split_with_sizes sqrt stack sub sub_ sum tanh
    tensor tile topk unflatten unfold where zeros zeros_like avg_pool2d max_pool2d
    adaptive_avg_pool1d
"""
WITHOUT_MACS = frozenset(f"aten::{name}" for name in _NAMES_WITHOUT_MACS.split())
"""Elementwise work, reductions, copies and indexing: real time, no multiply-accumulate."""


def count_macs(module: nn.Module, inputs: Sequence[Tensor], arguments: Sequence[Any] = ()) -> Macs:
    """Count one forward call `module(*inputs, *arguments)`; module and inputs on the meta device.

    Raises:
        UserError: the module holds an operator that has neither a formula nor a place among
            `WITHOUT_MACS`; it is named.
    """
    with _quiet():
        from fvcore.nn import FlopCountAnalysis

    analysis = FlopCountAnalysis(_Applied(module, arguments), tuple(inputs))
    analysis.set_op_handle("aten::scaled_dot_product_attention", _attention_macs)
    analysis.set_op_handle("aten::matmul", _matmul_macs)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    with _quiet(), _traceable_convolutions():
        by_operator = {name: round(count) for name, count in analysis.by_operator().items()}
    uncounted = sorted(analysis.unsupported_ops())
    if unknown := [name for name in uncounted if name not in WITHOUT_MACS]:
        raise UserError(f"MACs not counted: no formula for {', '.join(unknown)}")
    norms = sum(count for name, count in by_operator.items() if name in NORMS)
    return Macs(
        products_macs=sum(by_operator.values()) - norms - by_operator.get("adaptive_avg_pool2d", 0),
        norms_ops=norms,
        by_operator_macs=by_operator,
        uncounted=tuple(name.removeprefix("aten::") for name in uncounted),
    )


class _Applied(nn.Module):
    """A module with its non-tensor arguments bound, since a trace takes tensors only."""

    def __init__(self, module: nn.Module, arguments: Sequence[Any]) -> None:
        super().__init__()
        self.module = module
        self.arguments = arguments

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.module(*inputs, *self.arguments)


def _shape(value: Any) -> list[int]:
    return value.type().sizes()


def _attention_macs(inputs: list[Any], outputs: list[Any]) -> int:
    """Fused attention: scores (… n × k of depth d) and the weighted sum (… n × d of depth k)."""
    query, key, value = (_shape(v) for v in inputs[:3])
    return prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def _matmul_macs(inputs: list[Any], outputs: list[Any]) -> int:
    """Elements of the output times the inner dimension; right for every broadcast."""
    return prod(_shape(outputs[0])) * _shape(inputs[0])[-1]


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide the deprecation warnings of fvcore and the tracer, which no user can act on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _traceable_convolutions() -> Iterator[None]:
    """Let convolutions be traced on the meta device.

    From torch 2.15 on, their meta kernel is Python code that rejects the symbolic sizes of a
    trace, and sits above the operator that the trace records. Here the recorded operator is
    called, with a kernel that reads sizes as integers.
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

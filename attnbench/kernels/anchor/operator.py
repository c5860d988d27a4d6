"""Anchor attention as one operator of torch: `attnbench::anchor_attention`.

It is registered with a fake kernel, a derivative and a formula for its count. `torch.compile`
therefore takes it whole, autograd calls its own backward operator, and counters of FLOPs ask for
its formula. On the CPU it walks over blocks of tokens (`chunked`); on a GPU it runs the Triton
kernels.

The count is what the mathematics needs: 3 n m d multiply-adds forward and 6 n m d backward for each
batch and head. What the kernels compute twice to save memory is not counted.
"""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from attnbench.kernels.anchor import chunked as anchor_chunked
from attnbench.kernels.anchor import triton_support
from attnbench.kernels.conditions import CallConditions

Three = tuple[Tensor, Tensor, Tensor]


def anchor_attention(
    key: Float[Tensor, "batch heads tokens head_dim"],
    value: Float[Tensor, "batch heads tokens head_dim"],
    anchors: Float[Tensor, "sets anchors head_dim"],
    scale: float,
) -> Float[Tensor, "batch heads tokens head_dim"]:
    """H = A Δ⁻¹ Aᵀ V with A = softmax(scale · K Uᵀ); see `attention/anchor.py`.

    `sets` is the number of heads, or 1 where they share their anchors.
    """
    out: Tensor = _forward(key, value, anchors, scale)[0]
    return out


def reason_against_chunked(conditions: CallConditions) -> str | None:
    """Blocks suit the caches of a CPU; on a GPU each block would be too small a launch."""
    if conditions.device == "cpu":
        return None
    return f"its blocks suit the caches of a CPU, got {conditions.device}; use triton"


def reason_against_triton(conditions: CallConditions) -> str | None:
    """Without a GPU the operator walks over blocks, which is the implementation `chunked`."""
    if conditions.device != "cuda":
        return f"needs a CUDA device, got {conditions.device}"
    return triton_support.reason_against(conditions)


@torch.library.custom_op("attnbench::anchor_attention", mutates_args=())
def _forward(key: Tensor, value: Tensor, anchors: Tensor, scale: float) -> Three:
    return anchor_chunked.forward(key, value, anchors, scale)


@torch.library.custom_op("attnbench::anchor_attention_backward", mutates_args=())
def _backward(
    grad: Tensor,
    key: Tensor,
    value: Tensor,
    anchors: Tensor,
    scale: float,
    means: Tensor,
    inverse: Tensor,
) -> Three:
    return anchor_chunked.backward(grad, key, value, anchors, scale, means, inverse)


@_forward.register_kernel("cuda")
def _forward_on_gpu(*given: Any) -> Three:
    from attnbench.kernels.anchor import (
        triton_forward as triton_anchor_forward,  # only torch for GPUs brings Triton
    )

    return triton_anchor_forward.forward(*given)


@_backward.register_kernel("cuda")
def _backward_on_gpu(*given: Any) -> Three:
    from attnbench.kernels.anchor import triton_backward as triton_anchor_backward

    return triton_anchor_backward.backward(*given)


@_forward.register_fake
def _forward_shapes(key: Tensor, value: Tensor, anchors: Tensor, scale: float) -> Three:
    wide = torch.promote_types(key.dtype, torch.float32)
    batch, heads, _, head_dim = key.shape
    means = key.new_empty(batch, heads, anchors.shape[-2], head_dim, dtype=wide)
    return _by_token(key), means, means.new_empty(means.shape[:-1])


@_backward.register_fake
def _backward_shapes(
    grad: Tensor, key: Tensor, value: Tensor, anchors: Tensor, *rest: Any
) -> Three:
    return _by_token(key), _by_token(value), anchors.new_empty(anchors.shape)


def _by_token(x: Tensor) -> Tensor:
    batch, heads, tokens, head_dim = x.shape
    return x.new_empty(batch, tokens, heads, head_dim).transpose(1, 2)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Three) -> None:
    key, value, anchors, ctx.scale = inputs
    _, means, inverse = output
    ctx.mark_non_differentiable(means, inverse)
    ctx.save_for_backward(key, value, anchors, means, inverse)


def _gradients(ctx: Any, grad: Tensor, *unused: Any) -> tuple[Tensor, Tensor, Tensor, None]:
    key, value, anchors, means, inverse = ctx.saved_tensors
    return *_backward(grad, key, value, anchors, ctx.scale, means, inverse), None


_forward.register_autograd(_gradients, setup_context=_keep)


@register_flop_formula(torch.ops.attnbench.anchor_attention)
def _flops(key: torch.Size, value: torch.Size, anchors: torch.Size, *rest: Any, **out: Any) -> int:
    return 2 * 3 * prod(key) * anchors[-2]


@register_flop_formula(torch.ops.attnbench.anchor_attention_backward)
def _backward_flops(
    grad: torch.Size, key: torch.Size, value: torch.Size, anchors: torch.Size,
    *rest: Any, **out: Any,
) -> int:  # fmt: skip
    return 2 * 6 * prod(key) * anchors[-2]

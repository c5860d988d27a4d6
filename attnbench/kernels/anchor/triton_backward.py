"""The backward pass of anchor attention on a GPU: two walks over the tokens, A recomputed in each.

With W = Aᵀ V, so that G = Δ⁻¹ W, and gradients written with a d before the name:

    first walk     Aᵀ dH, summed up                                  reads K and dH
    between        dW = Δ⁻¹ Aᵀ dH          dΔ = - rowsum(dW ∘ G)
    second walk    dV = A dW                                         reads K, V and dH
                   dA = dH Gᵀ + V dWᵀ + 1 dΔᵀ                        writes dK and dV
                   dL = A ∘ (dA - rowsum(A ∘ dA))
                   dK = scale dL U         dU = scale dLᵀ K, summed up

Every row of dW is a mean of rows of dH, weighted by A: no gradient grows with Δ⁻¹, however small
the mass of an anchor. One program or several serve a head, as in the forward pass. Torch adds up dU
in a fixed order, over the sequences too.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from jaxtyping import Float
from torch import Tensor

from attnbench.kernels.anchor.triton_forward import (
    FINISHED_AT_ONCE,
    add_parts,
    collect,
    walk_and_collect,
)
from attnbench.kernels.anchor.triton_launch import Launch, launch_for
from attnbench.kernels.anchor.triton_tiles import (
    against_table,
    head_offset,
    load_table,
    load_tile,
    product,
    softmax,
    store_tile,
)


@triton.jit
def _walk_and_differentiate(
    key, key_row, key_channel, value, value_row, value_channel,
    grad_out, grad_row, grad_channel, grad_key, grad_value, tokens_row,
    anchors, table, means, means_table, collected_grad, collected_table, degree_grad,
    channels, begin, end, scale, factor,
    ANCHORS: tl.constexpr, PADDED: tl.constexpr, HEAD_DIM: tl.constexpr, PADDED_DIM: tl.constexpr,
    CHUNK: tl.constexpr, BLOCK: tl.constexpr, DTYPE: tl.constexpr, OPERANDS: tl.constexpr,
):  # fmt: skip
    """The second walk, from the last token to the first: writes dK and dV, returns their dU."""
    total = tl.zeros((PADDED, CHUNK), tl.float32)
    steps = tl.cdiv(end - begin, BLOCK)
    for step in range(steps):
        rows = begin + (steps - 1 - step) * BLOCK + tl.arange(0, BLOCK)
        logits = against_table(
            key, rows, end, key_row, key_channel, anchors, table,
            ANCHORS, PADDED, HEAD_DIM, PADDED_DIM, CHUNK, DTYPE, OPERANDS,
        )  # fmt: skip
        weights = softmax(logits, factor, ANCHORS, PADDED)
        slope = against_table(
            grad_out, rows, end, grad_row, grad_channel, means, means_table,
            ANCHORS, PADDED, HEAD_DIM, PADDED_DIM, CHUNK, DTYPE, OPERANDS,
        )  # fmt: skip
        slope += against_table(
            value, rows, end, value_row, value_channel, collected_grad, collected_table,
            ANCHORS, PADDED, HEAD_DIM, PADDED_DIM, CHUNK, DTYPE, OPERANDS,
        )  # fmt: skip
        slope = weights * (slope + degree_grad[None, :])
        slope = (slope - weights * tl.sum(slope, 1)[:, None]) * scale
        slope = tl.where((rows < end)[:, None], slope, 0.0)
        tile = product(weights, collected_table, DTYPE, OPERANDS)
        store_tile(grad_value, tile, rows, end, tokens_row, channels, 1, HEAD_DIM)
        tile = product(slope, table, DTYPE, OPERANDS)
        store_tile(grad_key, tile, rows, end, tokens_row, channels, 1, HEAD_DIM)
        tile = load_tile(key, rows, end, key_row, channels, key_channel, HEAD_DIM)
        total += product(tl.trans(slope), tile, DTYPE, OPERANDS)
    return total


@triton.jit
def _whole_gradients(
    key, value, grad_out, anchors, means, inverse, grad_key, grad_value, anchor_grads,
    scale, factor, tokens,
    key_batch, key_head, key_row, key_channel, value_batch, value_head, value_row, value_channel,
    grad_batch, grad_head, grad_row, grad_channel, anchors_head,
    tokens_batch, tokens_head, tokens_row,
    HEADS: tl.constexpr,
    ANCHORS: tl.constexpr, PADDED: tl.constexpr, HEAD_DIM: tl.constexpr, PADDED_DIM: tl.constexpr,
    CHUNK: tl.constexpr, BLOCK: tl.constexpr, DTYPE: tl.constexpr, OPERANDS: tl.constexpr,
):  # fmt: skip
    """Both walks of one head."""
    head = tl.program_id(0)
    key += head_offset(head, HEADS, key_batch, key_head)
    value += head_offset(head, HEADS, value_batch, value_head)
    grad_out += head_offset(head, HEADS, grad_batch, grad_head)
    grad_key += head_offset(head, HEADS, tokens_batch, tokens_head)
    grad_value += head_offset(head, HEADS, tokens_batch, tokens_head)
    anchors += head_offset(head, HEADS, 0, anchors_head)
    own = head.to(tl.int64) * ANCHORS
    means += own * HEAD_DIM
    channels, nodes = tl.arange(0, CHUNK), tl.arange(0, PADDED)
    table = load_table(anchors, channels, ANCHORS, PADDED, HEAD_DIM)
    sums, _ = walk_and_collect(
        key, key_row, key_channel, grad_out, grad_row, grad_channel, anchors, table, channels,
        0, tokens, factor,
        ANCHORS, PADDED, HEAD_DIM, PADDED_DIM, CHUNK, BLOCK, DTYPE, OPERANDS,
    )  # fmt: skip
    weight = tl.load(inverse + own + nodes, mask=nodes < ANCHORS, other=0.0)
    sums = tl.where((nodes < ANCHORS)[:, None], sums * weight[:, None], 0.0)  # 0 · inf is no zero
    means_table = load_table(means, channels, ANCHORS, PADDED, HEAD_DIM)
    degree_grad = -tl.sum(sums * means_table, 1)
    total = _walk_and_differentiate(
        key, key_row, key_channel, value, value_row, value_channel,
        grad_out, grad_row, grad_channel, grad_key, grad_value, tokens_row,
        anchors, table, means, means_table.to(DTYPE), means, sums.to(DTYPE), degree_grad,
        channels, 0, tokens, scale, factor,
        ANCHORS, PADDED, HEAD_DIM, PADDED_DIM, CHUNK, BLOCK, DTYPE, OPERANDS,
    )  # fmt: skip
    store_tile(
        anchor_grads + own * HEAD_DIM, total, nodes, ANCHORS, HEAD_DIM, channels, 1, HEAD_DIM
    )


@triton.jit
def _finish_gradients(
    sums, means, inverse, collected_grad, degree_grad, splits,
    ANCHORS: tl.constexpr, HEAD_DIM: tl.constexpr, PADDED_DIM: tl.constexpr, TURN: tl.constexpr,
):  # fmt: skip
    """DW and dΔ of one anchor, from the partial sums."""
    head, anchor = tl.program_id(0), tl.program_id(1)
    channels = tl.arange(0, PADDED_DIM)
    total = add_parts(sums, head, anchor, splits, channels, ANCHORS, HEAD_DIM, PADDED_DIM, TURN)
    own = head.to(tl.int64) * ANCHORS + anchor
    total *= tl.load(inverse + own)
    inside = channels < HEAD_DIM
    mean = tl.load(means + own * HEAD_DIM + channels, mask=inside, other=0.0)
    tl.store(collected_grad + own * HEAD_DIM + channels, total, mask=inside)
    tl.store(degree_grad + own, -tl.sum(total * mean, 0))


@triton.jit
def _differentiate(
    key, value, grad_out, anchors, means, collected_grad, degree_grad,
    grad_key, grad_value, anchor_grads, scale, factor, tokens, share,
    key_batch, key_head, key_row, key_channel, value_batch, value_head, value_row, value_channel,
    grad_batch, grad_head, grad_row, grad_channel, anchors_head,
    tokens_batch, tokens_head, tokens_row,
    HEADS: tl.constexpr,
    ANCHORS: tl.constexpr, PADDED: tl.constexpr, HEAD_DIM: tl.constexpr, PADDED_DIM: tl.constexpr,
    CHUNK: tl.constexpr, BLOCK: tl.constexpr, DTYPE: tl.constexpr, OPERANDS: tl.constexpr,
):  # fmt: skip
    """The second walk over one share of the tokens of a head, for one chunk of the channels."""
    head, split, chunk = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    key += head_offset(head, HEADS, key_batch, key_head)
    value += head_offset(head, HEADS, value_batch, value_head)
    grad_out += head_offset(head, HEADS, grad_batch, grad_head)
    grad_key += head_offset(head, HEADS, tokens_batch, tokens_head)
    grad_value += head_offset(head, HEADS, tokens_batch, tokens_head)
    anchors += head_offset(head, HEADS, 0, anchors_head)
    own = head.to(tl.int64) * ANCHORS
    means += own * HEAD_DIM
    collected_grad += own * HEAD_DIM
    channels, nodes = chunk * CHUNK + tl.arange(0, CHUNK), tl.arange(0, PADDED)
    begin = split * share
    total = _walk_and_differentiate(
        key, key_row, key_channel, value, value_row, value_channel,
        grad_out, grad_row, grad_channel, grad_key, grad_value, tokens_row,
        anchors, load_table(anchors, channels, ANCHORS, PADDED, HEAD_DIM),
        means, load_table(means, channels, ANCHORS, PADDED, HEAD_DIM).to(DTYPE),
        collected_grad, load_table(collected_grad, channels, ANCHORS, PADDED, HEAD_DIM).to(DTYPE),
        tl.load(degree_grad + own + nodes, mask=nodes < ANCHORS, other=0.0),
        channels, begin, tl.minimum(begin + share, tokens), scale, factor,
        ANCHORS, PADDED, HEAD_DIM, PADDED_DIM, CHUNK, BLOCK, DTYPE, OPERANDS,
    )  # fmt: skip
    own = (head.to(tl.int64) * tl.num_programs(1) + split) * ANCHORS
    store_tile(
        anchor_grads + own * HEAD_DIM, total, nodes, ANCHORS, HEAD_DIM, channels, 1, HEAD_DIM
    )


def backward(
    grad_out: Float[Tensor, "batch heads tokens head_dim"],
    key: Float[Tensor, "batch heads tokens head_dim"],
    value: Float[Tensor, "batch heads tokens head_dim"],
    anchors: Float[Tensor, "sets anchors head_dim"],
    scale: float,
    means: Float[Tensor, "batch heads anchors head_dim"],
    inverse: Float[Tensor, "batch heads anchors"],
) -> tuple[
    Float[Tensor, "batch heads tokens head_dim"],
    Float[Tensor, "batch heads tokens head_dim"],
    Float[Tensor, "sets anchors head_dim"],
]:
    """Gradients of K, V and U.

    Args:
        grad_out: gradient of H, of any strides, of the dtype of `key`.
        key: as given to `forward`, like `value`, `anchors` and `scale`.
        value: see there.
        anchors: see there.
        scale: see there.
        means: G, as `forward` returned it.
        inverse: Δ⁻¹, likewise.
    """
    launch = launch_for(key, anchors, scale, backward=True)
    grad_key = launch.empty_like_tokens(key.dtype)
    grad_value = launch.empty_like_tokens(value.dtype)
    if key.numel() == 0:
        return grad_key, grad_value, torch.zeros_like(anchors)
    with torch.cuda.device_of(key):
        given = (grad_out, key, value, means, inverse)
        run = _run_whole if launch.splits == 1 and launch.chunks == 1 else _run_shared
        parts = run(launch, scale, *given, grad_key, grad_value)
    return grad_key, grad_value, _add_up(launch, parts).to(anchors.dtype)


def _add_up(launch: Launch, parts: Tensor) -> Tensor:
    """DU of the sets, from those of all programs."""
    parts = parts.view(launch.batch, launch.heads, launch.splits, *parts.shape[-2:])
    return parts.sum((0, 2)) if launch.anchors_stride else parts.sum((0, 1, 2))[None]


def _run_whole(
    launch: Launch, scale: float, grad_out: Tensor, key: Tensor, value: Tensor,
    means: Tensor, inverse: Tensor, grad_key: Tensor, grad_value: Tensor,
) -> Tensor:  # fmt: skip
    parts, _ = launch.workspace()
    _whole_gradients[(launch.programs,)](
        key, value, grad_out, launch.anchors, means, inverse, grad_key, grad_value, parts,
        scale, launch.factor, launch.tokens,
        *key.stride(), *value.stride(), *grad_out.stride(), launch.anchors_stride,
        *grad_key.stride()[:3], HEADS=launch.heads, **launch.sizes,
    )  # fmt: skip
    return parts


def _run_shared(
    launch: Launch, scale: float, grad_out: Tensor, key: Tensor, value: Tensor,
    means: Tensor, inverse: Tensor, grad_key: Tensor, grad_value: Tensor,
) -> Tensor:  # fmt: skip
    sums, _ = collect(launch, key, grad_out)
    collected_grad, degree_grad = launch.per_anchor()
    _finish_gradients[(launch.programs, launch.num_anchors)](
        sums, means, inverse, collected_grad, degree_grad, launch.splits,
        ANCHORS=launch.num_anchors, HEAD_DIM=launch.head_dim, PADDED_DIM=launch.padded_dim,
        TURN=FINISHED_AT_ONCE,
    )  # fmt: skip
    parts = sums  # each program reads none of it any more, and writes as much
    _differentiate[launch.grid](
        key, value, grad_out, launch.anchors, means, collected_grad, degree_grad,
        grad_key, grad_value, parts, scale, launch.factor, launch.tokens, launch.share,
        *key.stride(), *value.stride(), *grad_out.stride(), launch.anchors_stride,
        *grad_key.stride()[:3], HEADS=launch.heads, **launch.sizes,
    )  # fmt: skip
    return parts

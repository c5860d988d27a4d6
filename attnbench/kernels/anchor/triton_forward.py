"""The forward pass of anchor attention on a GPU: two walks over the tokens, A only in registers.

    first walk     Δ = Aᵀ 1 and Aᵀ V, summed up          reads K and V
    between        G = Δ⁻¹ Aᵀ V
    second walk    H = A G                               reads K again, writes H

One program does all of it for a head (`_whole`), or several share the head's tokens: each leaves
partial sums (`_collect`), a small kernel adds them in a fixed order (`_finish`), and the second
walk is shared in the same way (`_distribute`). No atomics: equal inputs give equal bits.

The second walk goes backwards, since the last tokens of the first walk are still in the cache.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from jaxtyping import Float
from torch import Tensor

from attnbench.kernels.anchor.chunked import LEAST_DEGREE
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

FINISHED_AT_ONCE = 32
"""Partial sums of one anchor that are added in one turn."""


@triton.jit
def walk_and_collect(
    key, key_row, key_channel, value, value_row, value_channel, anchors, table, channels,
    begin, end, factor,
    ANCHORS: tl.constexpr, PADDED: tl.constexpr, HEAD_DIM: tl.constexpr, PADDED_DIM: tl.constexpr,
    CHUNK: tl.constexpr, BLOCK: tl.constexpr, DTYPE: tl.constexpr, OPERANDS: tl.constexpr,
):  # fmt: skip
    """The first walk: Aᵀ V and Δ of the tokens from `begin` to `end`, as (anchors, channels)."""
    sums = tl.zeros((PADDED, CHUNK), tl.float32)
    masses = tl.zeros((BLOCK, PADDED), tl.float32)  # summed over tokens once, after the walk
    for start in range(begin, end, BLOCK):
        rows = start + tl.arange(0, BLOCK)
        logits = against_table(
            key, rows, end, key_row, key_channel, anchors, table,
            ANCHORS, PADDED, HEAD_DIM, PADDED_DIM, CHUNK, DTYPE, OPERANDS,
        )  # fmt: skip
        weights = softmax(logits, factor, ANCHORS, PADDED)
        weights = tl.where((rows < end)[:, None], weights, 0.0)
        masses += weights
        tile = load_tile(value, rows, end, value_row, channels, value_channel, HEAD_DIM)
        sums += product(tl.trans(weights), tile, DTYPE, OPERANDS)
    return sums, tl.sum(masses, 0)


@triton.jit
def _walk_and_distribute(
    key, key_row, key_channel, out, out_row, anchors, table, means, channels, begin, end, factor,
    ANCHORS: tl.constexpr, PADDED: tl.constexpr, HEAD_DIM: tl.constexpr, PADDED_DIM: tl.constexpr,
    CHUNK: tl.constexpr, BLOCK: tl.constexpr, DTYPE: tl.constexpr, OPERANDS: tl.constexpr,
):  # fmt: skip
    """The second walk, from the last token to the first."""
    steps = tl.cdiv(end - begin, BLOCK)
    for step in range(steps):
        rows = begin + (steps - 1 - step) * BLOCK + tl.arange(0, BLOCK)
        logits = against_table(
            key, rows, end, key_row, key_channel, anchors, table,
            ANCHORS, PADDED, HEAD_DIM, PADDED_DIM, CHUNK, DTYPE, OPERANDS,
        )  # fmt: skip
        weights = softmax(logits, factor, ANCHORS, PADDED)
        tile = product(weights, means, DTYPE, OPERANDS)
        store_tile(out, tile, rows, end, out_row, channels, 1, HEAD_DIM)


@triton.jit
def inverse_of(degree, LEAST: tl.constexpr):
    """Δ⁻¹, zero for an anchor that received next to nothing, or that is not a number."""
    return tl.where(degree > LEAST, 1.0 / tl.maximum(degree, LEAST), 0.0)


@triton.jit
def _whole(
    key, value, anchors, out, means, inverse, factor, tokens,
    key_batch, key_head, key_row, key_channel, value_batch, value_head, value_row, value_channel,
    anchors_head, out_batch, out_head, out_row,
    HEADS: tl.constexpr, LEAST: tl.constexpr,
    ANCHORS: tl.constexpr, PADDED: tl.constexpr, HEAD_DIM: tl.constexpr, PADDED_DIM: tl.constexpr,
    CHUNK: tl.constexpr, BLOCK: tl.constexpr, DTYPE: tl.constexpr, OPERANDS: tl.constexpr,
):  # fmt: skip
    """Both walks of one head, which is cheapest where there are heads enough."""
    head = tl.program_id(0)
    key += head_offset(head, HEADS, key_batch, key_head)
    value += head_offset(head, HEADS, value_batch, value_head)
    out += head_offset(head, HEADS, out_batch, out_head)
    anchors += head_offset(head, HEADS, 0, anchors_head)
    channels, nodes = tl.arange(0, CHUNK), tl.arange(0, PADDED)
    table = load_table(anchors, channels, ANCHORS, PADDED, HEAD_DIM)
    sums, degree = walk_and_collect(
        key, key_row, key_channel, value, value_row, value_channel, anchors, table, channels,
        0, tokens, factor,
        ANCHORS, PADDED, HEAD_DIM, PADDED_DIM, CHUNK, BLOCK, DTYPE, OPERANDS,
    )  # fmt: skip
    weight = inverse_of(degree, LEAST)
    sums = tl.where((nodes < ANCHORS)[:, None], sums * weight[:, None], 0.0)  # 0 · inf is no zero
    own = head.to(tl.int64) * ANCHORS
    tl.store(inverse + own + nodes, weight, mask=nodes < ANCHORS)
    store_tile(means + own * HEAD_DIM, sums, nodes, ANCHORS, HEAD_DIM, channels, 1, HEAD_DIM)
    _walk_and_distribute(
        key, key_row, key_channel, out, out_row, anchors, table, sums.to(DTYPE), channels,
        0, tokens, factor,
        ANCHORS, PADDED, HEAD_DIM, PADDED_DIM, CHUNK, BLOCK, DTYPE, OPERANDS,
    )  # fmt: skip


@triton.jit
def _collect(
    key, value, anchors, sums, masses, factor, tokens, share,
    key_batch, key_head, key_row, key_channel, value_batch, value_head, value_row, value_channel,
    anchors_head,
    HEADS: tl.constexpr,
    ANCHORS: tl.constexpr, PADDED: tl.constexpr, HEAD_DIM: tl.constexpr, PADDED_DIM: tl.constexpr,
    CHUNK: tl.constexpr, BLOCK: tl.constexpr, DTYPE: tl.constexpr, OPERANDS: tl.constexpr,
):  # fmt: skip
    """Partial sums of one share of the tokens of a head, for one chunk of the channels."""
    head, split, chunk = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    key += head_offset(head, HEADS, key_batch, key_head)
    value += head_offset(head, HEADS, value_batch, value_head)
    anchors += head_offset(head, HEADS, 0, anchors_head)
    channels, nodes = chunk * CHUNK + tl.arange(0, CHUNK), tl.arange(0, PADDED)
    table = load_table(anchors, channels, ANCHORS, PADDED, HEAD_DIM)
    begin = split * share
    part, degree = walk_and_collect(
        key, key_row, key_channel, value, value_row, value_channel, anchors, table, channels,
        begin, tl.minimum(begin + share, tokens), factor,
        ANCHORS, PADDED, HEAD_DIM, PADDED_DIM, CHUNK, BLOCK, DTYPE, OPERANDS,
    )  # fmt: skip
    own = (head.to(tl.int64) * tl.num_programs(1) + split) * ANCHORS
    store_tile(sums + own * HEAD_DIM, part, nodes, ANCHORS, HEAD_DIM, channels, 1, HEAD_DIM)
    if chunk == 0:
        tl.store(masses + own + nodes, degree, mask=nodes < ANCHORS)


@triton.jit
def add_parts(
    sums, head, anchor, splits, channels,
    ANCHORS: tl.constexpr, HEAD_DIM: tl.constexpr, PADDED_DIM: tl.constexpr, TURN: tl.constexpr,
):  # fmt: skip
    """One anchor's row of the partial sums, added over the splits in a fixed order."""
    first = (head.to(tl.int64) * splits * ANCHORS + anchor) * HEAD_DIM
    total = tl.zeros((PADDED_DIM,), tl.float32)
    for start in range(0, splits, TURN):
        rows = start + tl.arange(0, TURN)
        tile = load_tile(sums + first, rows, splits, ANCHORS * HEAD_DIM, channels, 1, HEAD_DIM)
        total += tl.sum(tile, 0)
    return total


@triton.jit
def _finish(
    sums, masses, means, inverse, splits,
    LEAST: tl.constexpr, ANCHORS: tl.constexpr, HEAD_DIM: tl.constexpr, PADDED_DIM: tl.constexpr,
    TURN: tl.constexpr,
):  # fmt: skip
    """G and Δ⁻¹ of one anchor, from the partial sums."""
    head, anchor = tl.program_id(0), tl.program_id(1)
    channels = tl.arange(0, PADDED_DIM)
    total = add_parts(sums, head, anchor, splits, channels, ANCHORS, HEAD_DIM, PADDED_DIM, TURN)
    mass = tl.zeros((TURN,), tl.float32)
    first = head.to(tl.int64) * splits * ANCHORS + anchor
    for start in range(0, splits, TURN):
        rows = start + tl.arange(0, TURN)
        mass += tl.load(masses + first + rows * ANCHORS, mask=rows < splits, other=0.0)
    weight = inverse_of(tl.sum(mass, 0), LEAST)
    own = head.to(tl.int64) * ANCHORS + anchor
    tl.store(inverse + own, weight)
    tl.store(means + own * HEAD_DIM + channels, total * weight, mask=channels < HEAD_DIM)


@triton.jit
def _distribute(
    key, anchors, out, means, factor, tokens, share,
    key_batch, key_head, key_row, key_channel, anchors_head, out_batch, out_head, out_row,
    HEADS: tl.constexpr,
    ANCHORS: tl.constexpr, PADDED: tl.constexpr, HEAD_DIM: tl.constexpr, PADDED_DIM: tl.constexpr,
    CHUNK: tl.constexpr, BLOCK: tl.constexpr, DTYPE: tl.constexpr, OPERANDS: tl.constexpr,
):  # fmt: skip
    """H of one share of the tokens of a head, for one chunk of the channels."""
    head, split, chunk = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    key += head_offset(head, HEADS, key_batch, key_head)
    out += head_offset(head, HEADS, out_batch, out_head)
    anchors += head_offset(head, HEADS, 0, anchors_head)
    channels = chunk * CHUNK + tl.arange(0, CHUNK)
    table = load_table(anchors, channels, ANCHORS, PADDED, HEAD_DIM)
    means += head.to(tl.int64) * ANCHORS * HEAD_DIM
    begin = split * share
    _walk_and_distribute(
        key, key_row, key_channel, out, out_row, anchors, table,
        load_table(means, channels, ANCHORS, PADDED, HEAD_DIM).to(DTYPE), channels,
        begin, tl.minimum(begin + share, tokens), factor,
        ANCHORS, PADDED, HEAD_DIM, PADDED_DIM, CHUNK, BLOCK, DTYPE, OPERANDS,
    )  # fmt: skip


def forward(
    key: Float[Tensor, "batch heads tokens head_dim"],
    value: Float[Tensor, "batch heads tokens head_dim"],
    anchors: Float[Tensor, "sets anchors head_dim"],
    scale: float,
) -> tuple[
    Float[Tensor, "batch heads tokens head_dim"],
    Float[Tensor, "batch heads anchors head_dim"],
    Float[Tensor, "batch heads anchors"],
]:
    """H, and what the backward pass needs of it.

    Args:
        key: K, of any strides.
        value: V, of any strides, of the dtype of `key`.
        anchors: U, one set for all heads or one for each.
        scale: factor of the logits.

    Returns:
        H in the inputs' dtype, contiguous once heads are behind tokens; G and Δ⁻¹ in float32.
    """
    launch = launch_for(key, anchors, scale, backward=False)
    out = launch.empty_like_tokens(key.dtype)
    means, inverse = launch.per_anchor()
    if key.numel() == 0:
        return out, means.zero_(), inverse.zero_()
    with torch.cuda.device_of(key):
        if launch.splits == 1 and launch.chunks == 1:
            _run_whole(launch, key, value, out, means, inverse)
        else:
            _run_shared(launch, key, value, out, means, inverse)
    return out, means, inverse


def _run_whole(
    launch: Launch, key: Tensor, value: Tensor, out: Tensor, means: Tensor, inverse: Tensor
) -> None:
    _whole[(launch.programs,)](
        key, value, launch.anchors, out, means, inverse, launch.factor, launch.tokens,
        *key.stride(), *value.stride(), launch.anchors_stride, *out.stride()[:3],
        HEADS=launch.heads, LEAST=LEAST_DEGREE, **launch.sizes,
    )  # fmt: skip


def _run_shared(
    launch: Launch, key: Tensor, value: Tensor, out: Tensor, means: Tensor, inverse: Tensor
) -> None:
    sums, masses = collect(launch, key, value)
    _finish[(launch.programs, launch.num_anchors)](
        sums, masses, means, inverse, launch.splits,
        LEAST=LEAST_DEGREE, ANCHORS=launch.num_anchors, HEAD_DIM=launch.head_dim,
        PADDED_DIM=launch.padded_dim, TURN=FINISHED_AT_ONCE,
    )  # fmt: skip
    _distribute[launch.grid](
        key, launch.anchors, out, means, launch.factor, launch.tokens, launch.share,
        *key.stride(), launch.anchors_stride, *out.stride()[:3],
        HEADS=launch.heads, **launch.sizes,
    )  # fmt: skip


def collect(launch: Launch, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """Partial sums of Aᵀ V and Aᵀ 1, (batch · heads, splits, anchors, …), in float32."""
    sums, masses = launch.workspace()
    _collect[launch.grid](
        key, value, launch.anchors, sums, masses, launch.factor, launch.tokens, launch.share,
        *key.stride(), *value.stride(), launch.anchors_stride,
        HEADS=launch.heads, **launch.sizes,
    )  # fmt: skip
    return sums, masses

"""Steps on tiles that both passes of the Triton kernels share: load, store, product, softmax.

Sizes in capitals are known when a kernel is compiled. Tiles are padded to powers of two; elements
outside are read as zero, and masked where zero is not neutral.

DTYPE is the tensors' dtype, to which factors are rounded before a product; OPERANDS is what the
product then gets. They differ only in the interpreter, whose products cannot read bfloat16.

Products of float32 are true float32 ("ieee", no matrix units). "tf32" would be several times
faster and keep 11 of 24 bits: errors near 5e-4 of the largest logit, a thousand times those of the
reference.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def head_offset(head, HEADS, batch_stride, head_stride):
    """Where a head of a sequence begins, in elements; programs count through heads first."""
    batch = (head // HEADS).to(tl.int64)
    return batch * batch_stride + (head % HEADS).to(tl.int64) * head_stride


@triton.jit
def load_tile(base, rows, end, row_stride, channels, channel_stride, HEAD_DIM: tl.constexpr):
    """Rows of a matrix of any strides, zero from `end` on and beyond the head's width."""
    offsets = (
        rows.to(tl.int64)[:, None] * row_stride + channels.to(tl.int64)[None, :] * channel_stride
    )
    inside = (rows < end)[:, None] & (channels < HEAD_DIM)[None, :]
    return tl.load(base + offsets, mask=inside, other=0.0)


@triton.jit
def store_tile(base, tile, rows, end, row_stride, channels, channel_stride, HEAD_DIM: tl.constexpr):
    """Write the part inside the matrix, rounded to its dtype."""
    offsets = (
        rows.to(tl.int64)[:, None] * row_stride + channels.to(tl.int64)[None, :] * channel_stride
    )
    inside = (rows < end)[:, None] & (channels < HEAD_DIM)[None, :]
    tl.store(base + offsets, tile.to(base.dtype.element_ty), mask=inside)


@triton.jit
def load_table(base, channels, ANCHORS: tl.constexpr, PADDED: tl.constexpr, HEAD_DIM: tl.constexpr):
    """A contiguous (anchors, channels) matrix, padded with zeros."""
    return load_tile(base, tl.arange(0, PADDED), ANCHORS, HEAD_DIM, channels, 1, HEAD_DIM)


@triton.jit
def product(left, right, DTYPE: tl.constexpr, OPERANDS: tl.constexpr):
    """Factors rounded to the tensors' dtype, sums in float32."""
    return tl.dot(left.to(DTYPE).to(OPERANDS), right.to(DTYPE).to(OPERANDS), input_precision="ieee")


@triton.jit
def against_table(
    base, rows, end, row_stride, channel_stride, table_base, table,
    ANCHORS: tl.constexpr, PADDED: tl.constexpr, HEAD_DIM: tl.constexpr, PADDED_DIM: tl.constexpr,
    CHUNK: tl.constexpr, DTYPE: tl.constexpr, OPERANDS: tl.constexpr,
):  # fmt: skip
    """Rows times a table transposed: tokens × anchors, summed over all channels.

    `table` is the whole table where a chunk is all channels, so that it is loaded once and not in
    each turn of the caller's loop; otherwise chunks of it are loaded here.
    """
    channels = tl.arange(0, CHUNK)
    if CHUNK == PADDED_DIM:
        tile = load_tile(base, rows, end, row_stride, channels, channel_stride, HEAD_DIM)
        return product(tile, tl.trans(table), DTYPE, OPERANDS)
    total = tl.zeros((rows.shape[0], PADDED), tl.float32)
    for first in range(0, PADDED_DIM, CHUNK):
        own = first + channels
        tile = load_tile(base, rows, end, row_stride, own, channel_stride, HEAD_DIM)
        part = load_table(table_base, own, ANCHORS, PADDED, HEAD_DIM)
        total += product(tile, tl.trans(part), DTYPE, OPERANDS)
    return total


@triton.jit
def softmax(products, factor, ANCHORS: tl.constexpr, PADDED: tl.constexpr):
    """A: each row's distribution over the anchors; `factor` is scale · log2(e)."""
    inside = tl.arange(0, PADDED) < ANCHORS
    logits = tl.where(inside[None, :], products * factor, float("-inf"))
    weights = tl.exp2(logits - tl.max(logits, 1)[:, None])
    return weights * (1.0 / tl.sum(weights, 1))[:, None]

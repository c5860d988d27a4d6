"""Anchor attention in blocks of tokens: only one block of the n × m matrix exists at a time.

The sums over tokens that anchor attention needs (the degrees Δ and the collected values AᵀV) are
m-sized, so two walks over the tokens suffice: the first collects, the second distributes. Each walk
computes its part of A again. That costs one more product of n · m · d and saves storing A.

Extra memory: one block, and sums of m · d for each batch and head, independent of n. Symbols as in
`attention/anchor.py`; the sums are kept in float32 at least.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

LEAST_DEGREE = 1e-12
"""Mass below which an anchor is left out; its square is far from underflow in float32."""

BLOCK_BYTES = 2**19
"""Largest block of A: with its logits, keys and values it fits a core's cache."""

MIN_BLOCK = 64
"""Least tokens of a block; with fewer, calling operators costs more than their work."""


def forward(
    key: Tensor, value: Tensor, anchors: Tensor, scale: float
) -> tuple[Tensor, Tensor, Tensor]:
    """One Markov step.

    Args:
        key: (batch, heads, tokens, head_dim), with any strides.
        value: like the keys.
        anchors: (heads or 1, anchors, head_dim).
        scale: factor on the logits.

    Returns:
        The mixed values, (batch, heads, tokens, head_dim), stored token by token so that merging
        the heads copies nothing; the anchors' means G, (batch, heads, anchors, head_dim), and the
        inverse degrees, (batch, heads, anchors), zero where an anchor is left out: both for the
        backward pass, in float32 at least.
    """
    means, inverse = _collect(key, value, anchors, scale)
    out = _like(key)
    for part in _blocks(key, anchors):
        out[:, :, part] = _assign(key[:, :, part], anchors, scale) @ means.to(value.dtype)
    return out, means, inverse


def backward(
    grad: Tensor,
    key: Tensor,
    value: Tensor,
    anchors: Tensor,
    scale: float,
    means: Tensor,
    inverse: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of keys, values and anchors, from that of the output; see `forward`.

    With dH given: dG = Aᵀ dH, dW = Δ⁻¹ dG for W = Aᵀ V, and dΔ = -Δ⁻¹ (dG · G) along the channels,
    where an anchor has its degree. Then dA = dH Gᵀ + V dWᵀ + dΔ, and dV = A dW.
    """
    wide = means.dtype
    grad_means = torch.zeros_like(means)
    for part in _blocks(key, anchors):
        assigned = _assign(key[:, :, part], anchors, scale)
        grad_means += (assigned.transpose(-2, -1) @ grad[:, :, part]).to(wide)
    grad_sums = (grad_means * inverse[..., None]).to(value.dtype)
    grad_degree = -inverse * (grad_means * means).sum(-1)
    grad_key, grad_value = _like(key), _like(value)
    grad_anchors = torch.zeros_like(anchors, dtype=wide)
    for part in _blocks(key, anchors):
        keys, values = key[:, :, part], value[:, :, part]
        assigned = _assign(keys, anchors, scale, wide)
        grad_value[:, :, part] = assigned.to(value.dtype) @ grad_sums
        towards = grad[:, :, part] @ means.to(value.dtype).transpose(-2, -1)
        towards = (towards + values @ grad_sums.transpose(-2, -1)).to(wide)
        grad_logits = _softmax_backward(assigned, towards + grad_degree[..., None, :])
        low = (grad_logits * scale).to(key.dtype)
        grad_key[:, :, part] = low @ anchors
        grad_anchors += _sum_to(low.transpose(-2, -1) @ keys, anchors).to(wide)
    return grad_key, grad_value, grad_anchors.to(anchors.dtype)


def _collect(key: Tensor, value: Tensor, anchors: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """The anchors' means of the values, and the inverse degrees."""
    batch, heads, _, head_dim = key.shape
    wide = torch.promote_types(key.dtype, torch.float32)
    sums = key.new_zeros(batch, heads, anchors.shape[-2], head_dim, dtype=wide)
    degree = key.new_zeros(batch, heads, anchors.shape[-2], dtype=wide)
    for part in _blocks(key, anchors):
        assigned = _assign(key[:, :, part], anchors, scale, wide)
        degree += assigned.sum(-2)
        sums += (assigned.to(value.dtype).transpose(-2, -1) @ value[:, :, part]).to(wide)
    inverse = torch.where(degree > LEAST_DEGREE, 1 / degree.clamp_min(LEAST_DEGREE), 0.0)
    return sums * inverse[..., None], inverse


def _assign(key: Tensor, anchors: Tensor, scale: float, dtype: torch.dtype | None = None) -> Tensor:
    """A for a block of tokens, its softmax in float32 at least."""
    wide = torch.promote_types(key.dtype, torch.float32)
    assigned = ((key * scale) @ anchors.transpose(-2, -1)).softmax(-1, dtype=wide)
    return assigned.to(dtype or key.dtype)


def _softmax_backward(assigned: Tensor, grad: Tensor) -> Tensor:
    return assigned * (grad - (assigned * grad).sum(-1, keepdim=True))


def _sum_to(grad: Tensor, anchors: Tensor) -> Tensor:
    """Over the batch, and over the heads that share one set of anchors."""
    return grad.sum(0).sum_to_size(anchors.shape)


def _blocks(key: Tensor, anchors: Tensor) -> Iterator[slice]:
    batch, heads, tokens, _ = key.shape
    row = batch * heads * anchors.shape[-2] * key.element_size()
    block = max(MIN_BLOCK, BLOCK_BYTES // max(row, 1))
    return (slice(start, start + block) for start in range(0, tokens, block))


def _like(x: Tensor) -> Tensor:
    """Of this shape, stored (batch, tokens, heads, head_dim)."""
    return torch.empty_like(x.transpose(1, 2), memory_format=torch.contiguous_format).transpose(
        1, 2
    )

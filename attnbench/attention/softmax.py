"""Softmax attention between given queries, keys and values; shared by dense, window and sparse.

softmax(q kᵀ / √d + bias) v, computed by one of

- `reference`: plain products; the n × k matrix is formed, its softmax in float32 at least;
- `sdpa`: torch's fused `scaled_dot_product_attention`, which picks a kernel by device and dtype.

MACs: batch · heads · n · k · 2 d.
"""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from attnbench.attention.base import statistics_dtype

IMPLS = ("reference", "sdpa")


def softmax_attention(
    query: Float[Tensor, "*batch n d"],
    key: Float[Tensor, "*batch k d"],
    value: Float[Tensor, "*batch k d"],
    *,
    scale: float,
    impl: str,
    bias: Float[Tensor, ...] | None = None,
) -> Float[Tensor, "*batch n d"]:
    """Attend; `bias` is added to the scaled scores and broadcasts to (*batch, n, k)."""
    if impl == "sdpa":
        return F.scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=scale)
    scores = (query * scale) @ key.transpose(-2, -1)
    if bias is not None:
        scores = scores + bias
    weights = scores.softmax(-1, dtype=statistics_dtype(scores)).to(value.dtype)
    return weights @ value

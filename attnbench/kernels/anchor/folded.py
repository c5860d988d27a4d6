"""The anchor layer with its products reordered, so that keys and values are never formed.

Only the logits need the keys, and only the anchors' means need the values. With
X (n × C) the tokens and, per head, W_K and W_V the rows of the projections and W_O its columns of
the output projection,

    K Uᵀ = X (U W_K)ᵀ           Aᵀ V = (Aᵀ X) W_Vᵀ           H W_Oᵀ = A (G W_Oᵀ)

so that the three products of n · C² become three of n · C · (heads · m); the rest is m-sized. That
is less work where m < head width. The result is the same up to rounding.

MACs for a batch of b: m C² + b (2 m C² + 3 n C · heads · m), against b (3 n C² + 3 n m C).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from attnbench.kernels.anchor.chunked import LEAST_DEGREE


def anchor_layer(
    x: Float[Tensor, "batch tokens dim"],
    kv_weight: Float[Tensor, "two_dim dim"],
    kv_bias: Float[Tensor, " two_dim"] | None,
    anchors: Float[Tensor, "sets anchors head_dim"],
    proj_weight: Float[Tensor, "dim dim"],
    proj_bias: Float[Tensor, " dim"] | None,
    num_heads: int,
    scale: float,
) -> Float[Tensor, "batch tokens dim"]:
    """What keys and values, Markov step and output projection give; see `attention/anchor.py`.

    `sets` is the number of heads, or 1 where they share their anchors.
    """
    dim = x.shape[-1]
    heads_first = (num_heads, dim // num_heads, dim)
    key_weight, value_weight = (w.view(heads_first) for w in kv_weight.chunk(2))
    key_bias, value_bias = (None, None) if kv_bias is None else kv_bias.view(2, num_heads, -1)
    readers = (anchors * scale) @ key_weight  # U W_K: (heads, anchors, dim)
    offset = None if key_bias is None else ((anchors * scale) * key_bias[:, None]).sum(-1).flatten()
    logits = F.linear(x, readers.flatten(0, 1), offset).unflatten(-1, (num_heads, -1))
    assigned = logits.softmax(-1, dtype=torch.promote_types(x.dtype, torch.float32)).flatten(2)
    degree = assigned.sum(1)  # (batch, heads · anchors)
    inverse = torch.where(degree > LEAST_DEGREE, 1 / degree.clamp_min(LEAST_DEGREE), 0.0)
    assigned = assigned.to(x.dtype)
    means = (assigned.transpose(1, 2) @ x * inverse[..., None]).to(x.dtype)  # of the tokens
    means = means.unflatten(1, (num_heads, -1)) @ value_weight.transpose(1, 2)  # of the values
    if value_bias is not None:  # the weights of a mean add up to 1, or to 0 where it is left out
        means = means + (inverse > 0).to(x.dtype).view(*means.shape[:-1], 1) * value_bias[:, None]
    writers = means @ proj_weight.view(dim, *heads_first[:2]).permute(1, 2, 0)  # G W_Oᵀ
    return _affine(assigned, writers.flatten(1, 2), proj_bias)


def _affine(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return rows @ weight if bias is None else torch.baddbmm(bias, rows, weight)

"""Focused linear attention: features with a sharper direction, and a convolution of the values.

Han et al. 2023, FLatten (https://arxiv.org/abs/2308.00442), eq. 4-7. Per head:

    φ_p(x) = |r| / |r^p| · r^p,  r = relu(x)      the length of r, the direction of its p-th power
    H = φ_p(Q) (φ_p(K)ᵀ V) / φ_p(Q) φ_p(K)ᵀ 1 + DWC(V)

with p = 3 and a depthwise 5 × 5 convolution of V, whose weights the heads share. The convolution
gives the linear map the rank that it lacks. Departures: lengths are those of a head as in the
paper's equations (the authors' code takes them over all heads), and there is neither a learned
scale nor a learned position for the keys, which the code adds. Powers are in float32 at least.

MACs for n tokens of width C in heads of width d: 4 n C² + 2 n C d + n C + 25 n C.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import statistics_dtype
from attnbench.attention.linear import kernel_attention
from attnbench.attention.projected import ProjectedAttention
from attnbench.errors import UserError
from attnbench.spec import Grid

KERNEL = 5
LEAST_LENGTH = 1e-6


class FocusedLinearAttention(ProjectedAttention):
    """Kernel attention with focused features."""

    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    refuses_prefix_tokens: ClassVar[str] = "the values are convolved over the grid"
    qkv: nn.Linear

    def __init__(self, dim: int, num_heads: int, *, power: float = 3.0, **options: Any) -> None:
        super().__init__(dim, num_heads, **options)
        if power < 1:
            raise UserError(f"power must be at least 1, got {power}")
        self.power = power
        d = self.head_dim
        self.local = nn.Conv2d(d, d, KERNEL, padding=KERNEL // 2, groups=d)

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Attend by features, and add what each token's neighbours have as values."""
        query, key, value = self.heads(self.qkv(x))
        mixed = kernel_attention(self.focused(query), self.focused(key), value)
        image = value.flatten(0, 1).transpose(1, 2).unflatten(2, grid)
        local = self.local(image).flatten(2).transpose(1, 2).unflatten(0, value.shape[:2])
        return self.output(mixed + local)

    def focused(self, x: Float[Tensor, "*batch head_dim"]) -> Float[Tensor, "*batch head_dim"]:
        """φ_p, in float32 at least."""
        kept = x.to(statistics_dtype(x)).relu()
        length = _length(kept)
        # Taken of r / |r|, the power neither overflows nor vanishes.
        sharp = (kept / length) ** self.power
        return sharp * (length / _length(sharp))

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + 2 n C d + n C + 25 n C."""
        n, C = self.num_tokens(grid), self.dim
        return batch * n * C * (4 * C + 2 * self.head_dim + 1 + KERNEL**2)


def _length(x: Tensor) -> Tensor:
    """Of vectors along the last axis, and never zero."""
    return torch.linalg.vector_norm(x, dim=-1, keepdim=True).clamp_min(LEAST_LENGTH)

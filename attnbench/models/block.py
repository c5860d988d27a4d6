"""The pre-norm transformer block of both trunks.

It computes x + attention(norm(x)), then x + mlp(norm(x)). The attention is any registered
mechanism. The MLP may have a depthwise 3 × 3 convolution, which gives positions to a trunk without
position embedding (PVTv2, https://arxiv.org/abs/2106.13797).
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import Attention, linear
from attnbench.spec import Grid

NORM_EPS = 1e-6
"""As in DeiT and timm's vision transformers."""


class Mlp(nn.Module):
    """Two linear layers with GELU between them, and an optional convolution before the GELU."""

    def __init__(self, dim: int, hidden_dim: int, *, depthwise: bool) -> None:
        super().__init__()
        self.fc1 = linear(dim, hidden_dim)
        self.dwconv = (
            nn.Conv2d(hidden_dim, hidden_dim, kernel_size=3, padding=1, groups=hidden_dim)
            if depthwise
            else None
        )
        self.act = nn.GELU()
        self.fc2 = linear(hidden_dim, dim)

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Transform each token; with a convolution it also reads its eight neighbours."""
        hidden = self.fc1(x)
        if self.dwconv is not None:
            image = hidden.transpose(1, 2).unflatten(2, grid)
            hidden = self.dwconv(image).flatten(2).transpose(1, 2)
        return self.fc2(self.act(hidden))


class Block(nn.Module):
    """Attention and MLP, each with a norm before it and a skip around it."""

    def __init__(
        self, attention: Attention, *, mlp_ratio: float = 4.0, depthwise: bool = False
    ) -> None:
        super().__init__()
        dim = attention.dim
        self.norm1 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.attn = attention
        self.norm2 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.mlp = Mlp(dim, int(dim * mlp_ratio), depthwise=depthwise)

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Mix the tokens, then transform each."""
        x = x + self.attn(self.norm1(x), grid)
        return x + self.mlp(self.norm2(x), grid)

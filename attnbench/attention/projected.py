"""What softmax attentions share around their core: projections in front, one projection behind.

A mechanism names its input projections and their widths, so that parameter names stay those of the
code that weights are loaded from: `qkv` in timm's ViT and Swin, `q` and `kv` in PVT.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import Attention, linear, merge_heads, split_heads


class ProjectedAttention(Attention):
    """An attention between linear projections."""

    projections: ClassVar[Mapping[str, int]]
    """Names of the input projections, each with its width in multiples of `dim`."""
    proj: nn.Linear
    proj_drop: nn.Dropout

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        qkv_bias: bool = True,
        proj_drop: float = 0.0,
        **options: Any,
    ) -> None:
        """Make the projections.

        Args:
            dim: channels of a token.
            num_heads: must divide `dim`.
            qkv_bias: whether the input projections have a bias; the output projection has one.
            proj_drop: dropout after the output projection.
            options: see `Attention`.
        """
        super().__init__(dim, num_heads, **options)
        for name, width in self.projections.items():
            self.add_module(name, linear(dim, width * dim, bias=qkv_bias))
        self.proj = linear(dim, dim)
        self.proj_drop = nn.Dropout(proj_drop)

    def heads(
        self, projected: Float[Tensor, "batch tokens channels"]
    ) -> tuple[Float[Tensor, "batch heads tokens head_dim"], ...]:
        """Cut channels into parts of width `dim` (query, key, value), and each into heads."""
        return tuple(split_heads(t, self.num_heads) for t in projected.split(self.dim, dim=-1))

    def output(
        self, mixed: Float[Tensor, "batch heads tokens head_dim"]
    ) -> Float[Tensor, "batch tokens dim"]:
        """Merge the heads, project, and drop out."""
        return self.proj_drop(self.proj(merge_heads(mixed)))

"""Dense softmax attention, the yardstick, and its control with one projection for Q and K.

Vaswani et al. 2017 (https://arxiv.org/abs/1706.03762), as DeiT uses it: per head
softmax(Q Kᵀ / √d) V, heads concatenated and projected.

`dense-shared-qk` is no published mechanism. Anchor attention drops the query projection and
replaces the n × n products; this control only drops the projection, so that the two savings can
be told apart. Its scores K Kᵀ are symmetric before the softmax.

MACs for n tokens of width C: 3 n C² + 2 n² C + n C² (shared: 2 n C² in place of 3 n C²).
"""

from __future__ import annotations

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.projected import ProjectedAttention
from attnbench.attention.softmax import IMPLS, softmax_attention
from attnbench.spec import Grid


class DenseAttention(ProjectedAttention):
    """Every token attends to every token."""

    impls: ClassVar[tuple[str, ...]] = IMPLS
    takes_position_bias: ClassVar[bool] = True
    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    qkv: nn.Linear

    def query_key_value(
        self, x: Float[Tensor, "batch tokens dim"]
    ) -> tuple[Float[Tensor, "batch heads tokens head_dim"], ...]:
        """The three projections of the tokens."""
        return self.heads(self.qkv(x))

    def forward(
        self,
        x: Float[Tensor, "batch tokens dim"],
        grid: Grid,
        position_bias: Float[Tensor, "... tokens tokens"] | None = None,
    ) -> Float[Tensor, "batch tokens dim"]:
        """Attend over all tokens; see `Attention.takes_position_bias`."""
        query, key, value = self.query_key_value(x)
        mixed = softmax_attention(
            query, key, value, scale=self.scale, impl=self.impl, bias=position_bias
        )
        return self.output(mixed)

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + 2 n² C; shared 3 n C² + 2 n² C."""
        n, widths = self.num_tokens(grid), sum(self.projections.values())
        return batch * ((widths + 1) * n * self.dim**2 + 2 * n**2 * self.dim)


class SharedQKAttention(DenseAttention):
    """Dense attention whose queries are its keys."""

    projections: ClassVar[dict[str, int]] = {"kv": 2}
    kv: nn.Linear

    def query_key_value(
        self, x: Float[Tensor, "batch tokens dim"]
    ) -> tuple[Float[Tensor, "batch heads tokens head_dim"], ...]:
        """Two projections; keys stand in for queries."""
        key, value = self.heads(self.kv(x))
        return key, key, value

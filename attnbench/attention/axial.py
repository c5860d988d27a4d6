"""Axial attention: softmax attention along each row of the map, then along each column.

Ho et al. 2019 (https://arxiv.org/abs/1912.12180) and Axial-DeepLab
(https://arxiv.org/abs/2003.07853). Per head, with V' from the rows:

    V'_(r,c) = Σ_c' softmax_c'(q_(r,c) · k_(r,c') / √d) v_(r,c')
    H_(r,c)  = Σ_r' softmax_r'(q_(r,c) · k_(r',c) / √d) V'_(r',c)

Every token reaches every other one in two steps. Both steps use the same queries and keys, where
the publications have a layer of its own for each axis. `manhattan-axial` is this with a decay.

MACs for n = h w tokens of width C: 4 n C² + 2 n (h + w) C.
"""

from __future__ import annotations

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.projected import ProjectedAttention
from attnbench.attention.softmax import PLAIN_IMPLS, softmax_attention
from attnbench.spec import Grid


class AxialAttention(ProjectedAttention):
    """Attention along rows, and then along columns."""

    impls: ClassVar[tuple[str, ...]] = PLAIN_IMPLS
    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    refuses_prefix_tokens: ClassVar[str] = "rows and columns are those of a grid"
    qkv: nn.Linear

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Attend along both axes."""
        query, key, value = (t.unflatten(2, grid) for t in self.heads(self.qkv(x)))
        value = self._along_rows(query, key, value)
        turned = (t.transpose(2, 3) for t in (query, key, value))
        mixed = self._along_rows(*turned).transpose(2, 3)
        return self.output(mixed.flatten(2, 3))

    def _along_rows(
        self,
        query: Float[Tensor, "batch heads rows columns head_dim"],
        key: Float[Tensor, "batch heads rows columns head_dim"],
        value: Float[Tensor, "batch heads rows columns head_dim"],
    ) -> Float[Tensor, "batch heads rows columns head_dim"]:
        lines = (t.flatten(1, 2) for t in (query, key, value))  # (batch, lines, columns, head_dim)
        mixed = softmax_attention(*lines, scale=self.scale, impl=self.impl)
        return mixed.unflatten(1, query.shape[1:3])

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + 2 n (h + w) C."""
        n, C = self.num_tokens(grid), self.dim
        return batch * n * C * (4 * C + 2 * sum(grid))

"""Agent attention: tokens talk through agents, which are pooled from the queries.

Han et al. 2024 (https://arxiv.org/abs/2312.08874), eq. 5 and 6. Per head, with the queries
averaged over a × a cells of the map as agents G (a² × d):

    V_G = softmax(G Kᵀ / √d + B₁) V              the agents read the tokens
    H   = softmax(Q Gᵀ / √d + B₂) V_G + DWC(V)   the tokens read the agents

DWC is a depthwise 3 × 3 convolution. Each bias is the sum of a 7 × 7 table, resized to the map, and
a table for its rows and one for its columns, for each head and agent. These are learned for a map
of `table_side` × `table_side` tokens, and resized for another one.

The closest rival of learned anchors: as cheap, but its anchors follow the image and it reads and
writes by two maps. It refuses class tokens, which the authors give biases of their own.

MACs for n tokens of width C: 4 n C² + 4 n a² C + 9 n C.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import statistics_dtype
from attnbench.attention.linformer import SIDES
from attnbench.attention.projected import ProjectedAttention
from attnbench.attention.softmax import PLAIN_IMPLS, softmax_attention
from attnbench.errors import UserError
from attnbench.spec import Grid, Workload

BLOCK_SIDE = 7
"""Of the table that is resized to the map."""


class AgentAttention(ProjectedAttention):
    """Softmax attention to pooled queries, which attend to the tokens."""

    impls: ClassVar[tuple[str, ...]] = PLAIN_IMPLS
    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    refuses_prefix_tokens: ClassVar[str] = "agents are pooled from a grid"
    qkv: nn.Linear

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        agents_side: int = 7,
        table_side: int = SIDES[2],
        **options: Any,
    ) -> None:
        """Make the layers.

        Args:
            dim: channels of a token.
            num_heads: must divide `dim`.
            agents_side: a; there are a² agents, on maps of any size.
            table_side: side of the map that the biases are for.
            options: see `ProjectedAttention`.
        """
        super().__init__(dim, num_heads, **options)
        for name, given in (("agents_side", agents_side), ("table_side", table_side)):
            if given < 1:
                raise UserError(f"{name} must be at least 1, got {given}")
        self.agents_side = agents_side
        self.reading_bias = MapBias(num_heads, agents_side**2, table_side)
        self.writing_bias = MapBias(num_heads, agents_side**2, table_side)
        self.local = nn.Conv2d(dim, dim, kernel_size=3, padding=1, groups=dim)

    @classmethod
    def options_at(cls, stage: int, block: int) -> dict[str, Any]:
        """The side of the map at 224 px."""
        return {"table_side": SIDES[stage]}

    @classmethod
    def unsupported(cls, workload: Workload) -> str | None:
        """Why this workload cannot run: there cannot be more agents than tokens, if asked for."""
        side = workload.options.get("agents_side", 0)
        if isinstance(side, int) and side**2 > workload.num_tokens:
            return (
                f"agents_side must make at most the {workload.num_tokens} tokens, got {side}, "
                f"which makes {side**2} agents"
            )
        return super().unsupported(workload)

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """The agents attend to the tokens, then the tokens to the agents."""
        queries, keys, values = self.qkv(x).chunk(3, dim=-1)
        (query,), (key,), (value,) = (self.heads(t) for t in (queries, keys, values))
        (agents,) = self.heads(self._pooled(queries, grid))
        reading = self.reading_bias(grid)  # (heads, agents, tokens)
        read = self._attend(agents, key, value, reading)
        writing = self.writing_bias(grid).transpose(1, 2)
        mixed = self._attend(query, agents, read, writing)
        image = values.transpose(1, 2).unflatten(2, grid)
        local = self.local(image).flatten(2).transpose(1, 2)
        return self.proj_drop(self.proj(mixed.transpose(1, 2).flatten(2) + local))

    def _pooled(
        self, queries: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch agents dim"]:
        """Means of the queries over cells of the map."""
        image = queries.transpose(1, 2).unflatten(2, grid)
        pooled = F.adaptive_avg_pool2d(image, self.agents_side).flatten(2).transpose(1, 2)
        # Fused kernels want the channels of a query side by side, and compiled ones do not check.
        return pooled.clone(memory_format=torch.contiguous_format)

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
        return softmax_attention(query, key, value, scale=self.scale, impl=self.impl, bias=bias)

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + 4 n a² C + 9 n C."""
        n, C = self.num_tokens(grid), self.dim
        return batch * n * C * (4 * C + 4 * self.agents_side**2 + 9)


class MapBias(nn.Module):
    """A learned number for each head, agent and place of a map."""

    def __init__(self, num_heads: int, agents: int, table_side: int) -> None:
        super().__init__()
        self.block = _table(num_heads, agents, BLOCK_SIDE, BLOCK_SIDE)
        self.rows = _table(num_heads, agents, table_side)
        self.columns = _table(num_heads, agents, table_side)

    def no_weight_decay(self) -> set[str]:
        """All of them."""
        return {name for name, _ in self.named_parameters()}

    def forward(self, grid: Grid) -> Float[Tensor, "heads agents tokens"]:
        """The biases for this map."""
        block = _resized(self.block, grid, "bilinear")
        rows = _resized(self.rows, grid[:1], "linear")
        columns = _resized(self.columns, grid[1:], "linear")
        return (block + rows[..., None] + columns[..., None, :]).flatten(2)


def _table(*shape: int) -> nn.Parameter:
    return nn.Parameter(nn.init.trunc_normal_(torch.empty(shape), std=0.02))


def _resized(
    table: Float[Tensor, "heads agents *sides"], sides: tuple[int, ...], mode: str
) -> Float[Tensor, "heads agents *new_sides"]:
    if table.shape[2:] == sides:
        return table
    wide = table.to(statistics_dtype(table))
    return F.interpolate(wide, size=sides, mode=mode, align_corners=False).to(table.dtype)

"""Anchor attention with basic anchors: m of the layer's own queries.

AnchorFormer (https://arxiv.org/abs/2505.16463), section 3.2 and figure 3a, "Anchor" in table 4.
The Markov step is that of `anchor.py`. Here the anchors U are m queries, so there is a query
projection, applied only to the chosen tokens. The paper does not say how they are chosen:

- `selection="even"`: tokens at equal distances along the flattened map,
- `selection="random"`: a fixed draw by `seed`, the same in every call.

`refine` steps of eq. 5 move each anchor to the mean of the keys weighted by what they assign to
it, u_j = Σ_i A_ij k_i / Σ_i A_ij, which is a soft k-means step; A is then computed again.

With fewer than m tokens every token is an anchor.

MACs for n tokens of width C: m C² (Q) + 2 n C² (K, V) + (3 + 2 refine) n m C + n C² (output).
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from attnbench.attention.anchor import anchor_means, bipartite_attention, markov_step
from attnbench.attention.projected import ProjectedAttention
from attnbench.attention.tensor_cache import tensor_cache
from attnbench.errors import UserError
from attnbench.spec import Grid


class AnchorSelectAttention(ProjectedAttention):
    """Basic anchors (section 3.2)."""

    projections: ClassVar[dict[str, int]] = {"q": 1, "kv": 2}
    q: nn.Linear
    kv: nn.Linear

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        num_anchors: int = 30,
        selection: Literal["even", "random"] = "even",
        seed: int = 0,
        refine: int = 0,
        qkv_bias: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(dim, num_heads, qkv_bias=qkv_bias, **options)
        if num_anchors < 1:
            raise UserError(f"num_anchors must be at least 1, got {num_anchors}")
        if refine < 0:
            raise UserError(f"refine must be at least 0, got {refine}")
        if selection not in ("even", "random"):
            raise UserError(f"selection must be 'even' or 'random', got {selection!r}")
        self.num_anchors = num_anchors
        self.selection = selection
        self.seed = seed
        self.refine = refine

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Choose the anchors, refine them, then one Markov step over them."""
        key, value = self.heads(self.kv(x))
        chosen = selected_tokens(
            self.num_tokens(grid), self.num_anchors, self.selection, self.seed, x.device
        )
        (anchors,) = self.heads(self.q(x[:, chosen]))
        for _ in range(self.refine):
            anchors = anchor_means(bipartite_attention(key, anchors, self.scale), key)
        assignment = bipartite_attention(key, anchors, self.scale)
        return self.output(markov_step(assignment, value))

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """3 n C² + m C² + (3 + 2 refine) n m C."""
        n, C = self.num_tokens(grid), self.dim
        m = min(self.num_anchors, n)
        return batch * (m * C**2 + 3 * n * C**2 + (3 + 2 * self.refine) * n * m * C)


@tensor_cache
def selected_tokens(
    num_tokens: int, num_anchors: int, selection: str, seed: int, device: torch.device
) -> Int[Tensor, " anchors"]:
    """Indices of the tokens whose queries become anchors, ascending, no token twice."""
    count = min(num_anchors, num_tokens)
    if selection == "even":
        # The middle of each of `count` equal pieces, in integers so that none repeats.
        indices = [(2 * i + 1) * num_tokens // (2 * count) for i in range(count)]
        return torch.tensor(indices, device=device)
    generator = torch.Generator().manual_seed(seed)
    return torch.randperm(num_tokens, generator=generator)[:count].sort().values.to(device)

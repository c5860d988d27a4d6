"""Controls that bound what mixing is worth: no mixing at all, and the mean of all tokens.

Both keep the value and the output projection of the other mechanisms, H = S X W_V W_O:

- `identity`: S = I, every token keeps its own value;
- `mean`: S = 1 1ᵀ / n, every token gets the mean of all values. Anchor attention with anchors near
  zero starts here, because its A is uniform then.

No paper. What a mechanism is worth lies above these two, under one trunk and one recipe.

MACs for n tokens of width C: `identity` 2 n C²; `mean` 2 C², since the mean is taken first.
"""

from __future__ import annotations

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.projected import ProjectedAttention
from attnbench.spec import Grid


class IdentityAttention(ProjectedAttention):
    """No token sees another one."""

    projections: ClassVar[dict[str, int]] = {"v": 1}
    v: nn.Linear

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Project each token twice."""
        return self.proj_drop(self.proj(self.v(x)))

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """2 n C²."""
        return batch * 2 * self.num_tokens(grid) * self.dim**2


class MeanAttention(IdentityAttention):
    """Every token sees the mean of all tokens."""

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Project the mean twice, and give it to every token."""
        mean = self.proj(self.v(x.mean(1, keepdim=True)))
        return self.proj_drop(mean.expand(x.shape))

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """2 C²."""
        return batch * 2 * self.dim**2

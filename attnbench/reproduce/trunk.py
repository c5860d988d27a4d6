"""Parameters and multiply-accumulates of the plain trunk in closed form, with four attentions.

n tokens of width C, depth L, MLP ratio r, patches of p × p pixels in 3 channels, mean pooling:

    multiply-accumulates   3 p² n C + L (attention + 2 r n C²) + classes · C
    parameters             patches, positions and last norm: (3 p² + 1) C + n C + 2 C
                           a block: attention + 2 r C² + (r + 1) C + 4 C (two norms)
                           head: classes · (C + 1)

The mechanism states its multiply-accumulates; `attention_params` has its parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

from attnbench.attention.factory import create_attention
from attnbench.errors import UserError
from attnbench.models.presets import DEIT
from attnbench.spec import Grid

PATCH, CHANNELS, MLP_RATIO, CLASSES = 16, 3, 4, 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """A plain trunk on one grid of tokens."""

    size: str
    """Size of the trunk: t, s or b."""
    grid: Grid = (14, 14)

    @property
    def name(self) -> str:
        """Name of the registered trunk."""
        return f"vit-{self.size}"

    @property
    def dim(self) -> int:
        """Width C."""
        return int(DEIT[self.size]["dim"])

    @property
    def num_heads(self) -> int:
        """Heads of each attention."""
        return int(DEIT[self.size]["num_heads"])

    @property
    def depth(self) -> int:
        """Blocks L."""
        return int(DEIT[self.size]["depth"])

    def macs(self, attention: str, num_anchors: int | None = None) -> int:
        """Multiply-accumulates of one image."""
        n, C = self.grid[0] * self.grid[1], self.dim
        options = {} if num_anchors is None else {"num_anchors": num_anchors}
        mixing = create_attention(attention, C, self.num_heads, **options).macs(self.grid)
        patches = CHANNELS * PATCH**2 * n * C
        return patches + self.depth * (mixing + 2 * MLP_RATIO * n * C**2) + CLASSES * C

    def params(self, attention: str, num_anchors: int | None = None) -> int:
        """Parameters."""
        n, C = self.grid[0] * self.grid[1], self.dim
        inside = attention_params(attention, C, self.num_heads, num_anchors or 0)
        block = inside + 2 * MLP_RATIO * C**2 + (MLP_RATIO + 1) * C + 4 * C
        ends = (CHANNELS * PATCH**2 + 1) * C + n * C + 2 * C + CLASSES * (C + 1)
        return self.depth * block + ends


def attention_params(attention: str, dim: int, num_heads: int, num_anchors: int) -> int:
    """Parameters of one attention of the ablation, in closed form.

    Raises:
        UserError: it is none of the four.
    """
    C = dim
    known = {
        "dense": 4 * C**2 + 4 * C,
        "dense-shared-qk": 3 * C**2 + 3 * C,
        "anchor-select": 4 * C**2 + C,
        "anchor": 3 * C**2 + C + num_anchors * (C // num_heads),
    }
    if attention not in known:
        raise UserError(f"no closed form for {attention!r}; there is one for {', '.join(known)}")
    return known[attention]

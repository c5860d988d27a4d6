"""Parameters and multiply-accumulates of the plain trunk in closed form, with four attentions.

N patches of p × p pixels in 3 channels, q prefix tokens (0: mean pooling; 2: two classifiers), n =
N + q tokens of width C, depth L, MLP ratio r:

    multiply-accumulates   3 p² N C + L (attention + 2 r n C²) + max(q, 1) · classes · C
    parameters (q = 0)     patches, positions and last norm: (3 p² + 1) C + n C + 2 C
                           a block: attention + 2 r C² + (r + 1) C + 4 C (two norms)
                           head: classes · (C + 1)

The mechanism states its multiply-accumulates; `attention_params` has its parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch

from attnbench.attention.base import Attention
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
    num_prefix_tokens: int = 0
    """DeiT has 1, the distilled DeiT and the authors' code of AnchorFormer 2."""

    @property
    def num_tokens(self) -> int:
        """Tokens n, prefix tokens included."""
        return self.grid[0] * self.grid[1] + self.num_prefix_tokens

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

    def macs(self, attention: str, num_anchors: int | None = None, impl: str = "reference") -> int:
        """Multiply-accumulates of one image with a mechanism in every block."""
        layer = _layer(
            attention, self.dim, self.num_heads, num_anchors, impl, self.num_prefix_tokens
        )
        return self.macs_around(layer.macs(self.grid))

    def macs_around(self, mixing: int) -> int:
        """Multiply-accumulates of one image if the attention of each block takes `mixing`."""
        n, C = self.num_tokens, self.dim
        patches = CHANNELS * PATCH**2 * self.grid[0] * self.grid[1] * C
        heads = max(self.num_prefix_tokens, 1) * CLASSES * C
        return patches + self.depth * (mixing + 2 * MLP_RATIO * n * C**2) + heads

    def params(self, attention: str, num_anchors: int | None = None) -> int:
        """Parameters; for a trunk without prefix tokens."""
        n, C = self.num_tokens, self.dim
        inside = attention_params(attention, C, self.num_heads, num_anchors or 0)
        block = inside + 2 * MLP_RATIO * C**2 + (MLP_RATIO + 1) * C + 4 * C
        ends = (CHANNELS * PATCH**2 + 1) * C + n * C + 2 * C + CLASSES * (C + 1)
        return self.depth * block + ends


@cache
def _layer(
    attention: str, dim: int, num_heads: int, num_anchors: int | None, impl: str, prefix: int
) -> Attention:
    """One attention, without weights: only its closed form is asked."""
    options = {} if num_anchors is None else {"num_anchors": num_anchors}
    with torch.device("meta"):
        return create_attention(
            attention, dim, num_heads, impl=impl, num_prefix_tokens=prefix, **options
        )


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

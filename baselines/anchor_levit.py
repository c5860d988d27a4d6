"""LeViT with anchor attention: the models that AnchorFormer calls AnchorLeViT (its figure 5b).

The trunk is timm's LeViT (Graham et al. 2021, https://arxiv.org/abs/2104.01136;
https://github.com/huggingface/pytorch-image-models, Apache-2.0) with every attention swapped.
AnchorFormer (https://arxiv.org/abs/2505.16463) publishes no code, and no rule for two parts that
LeViT has and DeiT has not. This is how this project reads them:

Shrinking attention. Between stages, LeViT queries with every fourth token only. Here all tokens
send their values to the anchors, and every fourth token collects: H = A' (Δ⁻¹ (Aᵀ V)), where A'
are the rows of A that are kept. They are rows of the same S = A Δ⁻¹ Aᵀ, so they still sum to 1. As
in the paper's other layers there is no query projection.

The bias table. LeViT has no position embedding; positions enter through a table that adds a bias
per offset between two tokens to each score. Anchor attention has no scores of token against token
but logits of token against anchor, and an anchor has no position. So the table becomes one of
tokens × anchors that is added to those logits. It starts at zero, like LeViT's, and is shared by
the heads, like the anchors. It takes no multiply-accumulates and, like LeViT's, it fixes the image
size.

The rest is LeViT's: keys of 16 or 32 channels per head, values of twice (shrinking: four times) as
many, batch norm after every linear layer, hard-swish before the output projection.

MACs of a layer, for n tokens of width C in, n' of width C' out, h heads with keys of d and values
of e channels, m anchors: n C h (d + e) + n m h (d + e) + n' m h e + n' h e C'.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from attnbench.attention.anchor import ANCHOR_STD, anchor_means, bipartite_attention
from attnbench.attention.base import merge_heads

NUM_ANCHORS = 30
"""The paper's number, in every layer, even in the last stage with its 16 tokens."""


class AnchorLevitAttention(nn.Module):
    """Anchor attention that replaces one of LeViT's attentions, shrinking or not."""

    def __init__(self, levit: Any, num_anchors: int, stride: int) -> None:
        """Take sizes and the output projection from timm's module `levit`."""
        from timm.models.levit import LinearNorm

        super().__init__()
        self.num_heads = levit.num_heads
        self.key_dim = levit.key_dim
        self.value_dim = levit.val_dim
        self.scale = levit.key_dim**-0.5
        self.grid = tuple(int(side) for side in levit.resolution)
        self.stride = stride
        joint = levit.qkv if stride == 1 else levit.kv
        self.kv = LinearNorm(joint.linear.in_features, levit.key_attn_dim + levit.val_attn_dim)
        self.anchors = nn.Parameter(torch.empty(1, num_anchors, self.key_dim))
        self.anchor_biases = nn.Parameter(torch.zeros(self.grid[0] * self.grid[1], num_anchors))
        self.proj = levit.proj
        # Batch norm gives keys a standard deviation of 1, which ANCHOR_STD was chosen for.
        nn.init.normal_(self.anchors, std=ANCHOR_STD)

    def no_weight_decay(self) -> set[str]:
        """The biases, like LeViT's own."""
        return {"anchor_biases"}

    def forward(self, x: Tensor) -> Tensor:
        """One Markov step, (batch, tokens, dim) to (batch, kept tokens, dim of the output)."""
        key, value = self._split(self.kv(x))
        assignment = bipartite_attention(key, self.anchors, self.scale, self.anchor_biases)
        means = anchor_means(assignment, value)
        mixed = self._kept(assignment).to(value.dtype) @ means
        return self.proj(merge_heads(mixed))

    def _split(self, kv: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, tokens, channels) to keys and values (batch, heads, tokens, channels a head)."""
        heads = kv.unflatten(2, (self.num_heads, -1)).transpose(1, 2)
        key, value = heads.split([self.key_dim, self.value_dim], dim=-1)
        return key, value

    def _kept(self, assignment: Tensor) -> Tensor:
        """The rows of A of the tokens that are kept."""
        if self.stride == 1:
            return assignment
        rows = assignment.unflatten(2, self.grid)
        return rows[:, :, :: self.stride, :: self.stride].flatten(2, 3)

    def macs(self, batch: int = 1) -> int:
        """The formula in the docstring of this file."""
        n, m = self.anchor_biases.shape
        kept = -(-self.grid[0] // self.stride) * -(-self.grid[1] // self.stride)
        keys, values = self.num_heads * self.key_dim, self.num_heads * self.value_dim
        into = n * (self.kv.linear.in_features + m) * (keys + values)
        return batch * (into + kept * values * (m + self.proj.ln.linear.out_features))


def create_anchor_levit(
    num_classes: int,
    img_size: int | tuple[int, int],
    *,
    timm_name: str,
    num_anchors: int = NUM_ANCHORS,
) -> nn.Module:
    """Build timm's LeViT of that name with fresh weights, and swap its attentions.

    The logits are the mean of its two heads, in training too, as timm does.
    """
    import timm

    model = timm.create_model(
        timm_name, pretrained=False, num_classes=num_classes, img_size=img_size
    )
    for stage in model.stages:
        if not isinstance(stage.downsample, nn.Identity):
            shrinking = stage.downsample.attn_downsample
            stage.downsample.attn_downsample = AnchorLevitAttention(
                shrinking, num_anchors, stride=shrinking.stride
            )
        for block in stage.blocks:
            block.attn = AnchorLevitAttention(block.attn, num_anchors, stride=1)
    return model

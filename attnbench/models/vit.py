"""The plain trunk: one resolution from the first block to the last, any mechanism inside.

Dosovitskiy et al. 2021 (https://arxiv.org/abs/2010.11929) and DeiT
(https://arxiv.org/abs/2012.12877): patches, learned absolute positions, pre-norm blocks. With
`dense` and copied weights it equals timm's `deit_tiny_patch16_224`; parameter names are timm's,
so that weights move over by `load_state_dict`.

The mean of the tokens is classified by default, since attentions on a grid have no rule for class
tokens. `class_token` and `distillation_token` bring DeiT's; with both, the logits of the two heads
are averaged, in training too (there is no teacher here to part them).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import linear
from attnbench.attention.factory import placed_attention
from attnbench.errors import UserError
from attnbench.models.block import NORM_EPS, Block
from attnbench.spec import Grid, grid_of_image

STAGE_OF_PATCH_16 = 2
"""A plain trunk works at the resolution of a pyramid's third stage (see Attention.options_at)."""


class PatchEmbed(nn.Module):
    """Non-overlapping patches, each projected to a token."""

    def __init__(self, patch_size: int, in_chans: int, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(in_chans, dim, kernel_size=patch_size, stride=patch_size)

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch tokens dim"]:
        """Cut and project."""
        return self.proj(images).flatten(2).transpose(1, 2)


class VisionTransformer(nn.Module):
    """A plain vision transformer for images of one fixed size."""

    def __init__(
        self,
        num_classes: int = 1000,
        img_size: int | tuple[int, int] = 224,
        *,
        attention: str = "dense",
        attention_options: Mapping[str, Any] | None = None,
        patch_size: int = 16,
        in_chans: int = 3,
        dim: int = 192,
        depth: int = 12,
        num_heads: int = 3,
        mlp_ratio: float = 4.0,
        class_token: bool = False,
        distillation_token: bool = False,
    ) -> None:
        super().__init__()
        if distillation_token and not class_token:
            raise UserError("distillation_token=True needs class_token=True, as in DeiT")
        size = (img_size, img_size) if isinstance(img_size, int) else img_size
        self.img_size = size
        self.grid: Grid = grid_of_image(size, patch_size)
        self.patch_embed = PatchEmbed(patch_size, in_chans, dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim)) if class_token else None
        self.dist_token = nn.Parameter(torch.zeros(1, 1, dim)) if distillation_token else None
        self.num_prefix_tokens = int(class_token) + int(distillation_token)
        num_tokens = self.num_prefix_tokens + self.grid[0] * self.grid[1]
        self.pos_embed = nn.Parameter(torch.zeros(1, num_tokens, dim))
        options = dict(attention_options or {})
        if self.num_prefix_tokens:
            options["num_prefix_tokens"] = self.num_prefix_tokens
        self.blocks = nn.ModuleList(
            Block(
                placed_attention(attention, dim, num_heads, STAGE_OF_PATCH_16, index, options),
                mlp_ratio=mlp_ratio,
            )
            for index in range(depth)
        )
        self.norm = nn.LayerNorm(dim, eps=NORM_EPS)
        self.head = linear(dim, num_classes)
        self.head_dist = linear(dim, num_classes) if distillation_token else None
        self._init_tokens()

    def _init_tokens(self) -> None:
        for parameter in (self.pos_embed, self.cls_token, self.dist_token):
            if parameter is not None:
                nn.init.trunc_normal_(parameter, std=0.02)

    def no_weight_decay(self) -> set[str]:
        """Parameters that no optimiser should shrink (timm's convention)."""
        return {"pos_embed", "cls_token", "dist_token"}

    def forward_features(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch tokens dim"]:
        """Tokens after the last norm, prefix tokens first."""
        if tuple(images.shape[-2:]) != self.img_size:
            raise UserError(
                f"this model was built for images of {self.img_size[0]} × {self.img_size[1]}, "
                f"got {images.shape[-2]} × {images.shape[-1]}; build it with img_size=…"
            )
        tokens = self.patch_embed(images)
        prefix = [t for t in (self.cls_token, self.dist_token) if t is not None]
        tokens = torch.cat([*(t.expand(tokens.shape[0], -1, -1) for t in prefix), tokens], dim=1)
        tokens = tokens + self.pos_embed
        for block in self.blocks:
            tokens = block(tokens, self.grid)
        return self.norm(tokens)

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch classes"]:
        """Logits."""
        tokens = self.forward_features(images)
        if self.cls_token is None:
            return self.head(tokens.mean(1))
        if self.head_dist is None:
            return self.head(tokens[:, 0])
        return (self.head(tokens[:, 0]) + self.head_dist(tokens[:, 1])) / 2

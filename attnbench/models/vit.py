"""The plain trunk: all blocks work at one resolution, with any mechanism inside.

Dosovitskiy et al. 2021 (https://arxiv.org/abs/2010.11929) and DeiT
(https://arxiv.org/abs/2012.12877): patches, learned absolute positions, pre-norm blocks. With
`dense` and copied weights it equals timm's `deit_tiny_patch16_224`. Parameter names are timm's,
so `load_state_dict` takes timm's weights.

The classifier reads the mean of the tokens by default, because attentions on a grid have no rule
for class tokens. `class_token` and `distillation_token` add those of DeiT. With both, the logits
of the two heads are averaged, in training too, because there is no teacher.

Positions are learned for `img_size`, and interpolated for images of another size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.factory import placed_attention
from attnbench.errors import UserError
from attnbench.models.backbone import Backbone, FeatureInfo, classifier
from attnbench.models.block import NORM_EPS, Block
from attnbench.models.positions import resample_positions
from attnbench.spec import Grid, grid_of_image

STAGE_OF_PATCH_16 = 2
"""A plain trunk works at the resolution of a pyramid's third stage (see Attention.options_at)."""
Number = TypeVar("Number", int, float)


class PatchEmbed(nn.Module):
    """Cuts images into patches and projects each to a token."""

    def __init__(self, patch_size: int, in_chans: int, dim: int) -> None:
        super().__init__()
        self.patch_size = patch_size
        self.proj = nn.Conv2d(in_chans, dim, kernel_size=patch_size, stride=patch_size)

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> tuple[Float[Tensor, "batch tokens dim"], Grid]:
        """Tokens and their grid.

        Raises:
            UserError: a side of the images is no multiple of the patch.
        """
        height, width = int(images.shape[-2]), int(images.shape[-1])
        if height % self.patch_size or width % self.patch_size:
            raise UserError(
                f"patches of {self.patch_size} px need images whose sides are multiples of "
                f"{self.patch_size}, got {height} × {width}; resize or pad them"
            )
        grid = height // self.patch_size, width // self.patch_size
        return self.proj(images).flatten(2).transpose(1, 2), grid


class VisionTransformer(Backbone):
    """A plain vision transformer; images may have any size that is a multiple of the patch."""

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
        num_heads: int | Sequence[int] = 3,
        mlp_ratio: float | Sequence[float] = 4.0,
        class_token: bool = False,
        distillation_token: bool = False,
        out_indices: Sequence[int] = (-1,),
    ) -> None:
        """Build it with positions for `img_size`.

        Args:
            num_classes: logits; 0 builds it without a classifier.
            img_size: pixels, side or (height, width).
            attention: registered name.
            attention_options: options of the mechanism.
            patch_size: pixels.
            in_chans: channels of the images.
            dim: channels of the tokens.
            depth: number of blocks.
            num_heads: heads of the attention, of all blocks or of each.
            mlp_ratio: hidden channels of the MLP by `dim`, of all blocks or of each.
            class_token: classify a class token in place of the mean.
            distillation_token: add DeiT's second token and head.
            out_indices: blocks whose maps `features` returns; negative ones count from the end.

        Raises:
            UserError: `img_size` is no multiple of the patch, or the options do not fit.
        """
        super().__init__()
        if distillation_token and not class_token:
            raise UserError("distillation_token=True needs class_token=True, as in DeiT")
        size = (img_size, img_size) if isinstance(img_size, int) else img_size
        self.grid: Grid = grid_of_image(size, patch_size)
        self.out_indices = _block_indices(out_indices, depth)
        self.feature_info = [FeatureInfo(channels=dim, stride=patch_size)] * len(self.out_indices)
        self.patch_embed = PatchEmbed(patch_size, in_chans, dim)
        self._add_tokens(dim, class_token, distillation_token)
        prefix = {"num_prefix_tokens": self.num_prefix_tokens} if self.num_prefix_tokens else {}
        options = {**(attention_options or {}), **prefix}
        of_each = zip(_of_each(num_heads, depth), _of_each(mlp_ratio, depth), strict=True)
        self.blocks = nn.ModuleList(
            Block(
                placed_attention(attention, dim, heads, STAGE_OF_PATCH_16, index, options),
                mlp_ratio=ratio,
            )
            for index, (heads, ratio) in enumerate(of_each)
        )
        self.norm = nn.LayerNorm(dim, eps=NORM_EPS)
        self.head = classifier(dim, num_classes)
        self.head_dist = classifier(dim, num_classes) if distillation_token else None
        self._init_tokens()

    def _add_tokens(self, dim: int, class_token: bool, distillation_token: bool) -> None:
        """Prefix tokens, and a position for each token."""
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim)) if class_token else None
        self.dist_token = nn.Parameter(torch.zeros(1, 1, dim)) if distillation_token else None
        self.num_prefix_tokens = int(class_token) + int(distillation_token)
        num_tokens = self.num_prefix_tokens + self.grid[0] * self.grid[1]
        self.pos_embed = nn.Parameter(torch.zeros(1, num_tokens, dim))

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
        tokens, grid = self._embed(images)
        for block in self.blocks:
            tokens = block(tokens, grid)
        return self.norm(tokens)

    def features(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> list[Float[Tensor, "batch _ _ _"]]:
        """The normed maps of the blocks of `out_indices`, without prefix tokens."""
        tokens, grid = self._embed(images)
        maps: list[Tensor] = []
        for index, block in enumerate(self.blocks):
            tokens = block(tokens, grid)
            if index in self.out_indices:
                of_grid = self.norm(tokens)[:, self.num_prefix_tokens :]
                maps.append(of_grid.transpose(1, 2).unflatten(2, grid))
        return maps

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch classes"]:
        """Logits; without a classifier what it would read."""
        tokens = self.forward_features(images)
        if self.cls_token is None:
            return self.head(tokens.mean(1))
        if self.head_dist is None:
            return self.head(tokens[:, 0])
        return (self.head(tokens[:, 0]) + self.head_dist(tokens[:, 1])) / 2

    def _embed(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> tuple[Float[Tensor, "batch tokens dim"], Grid]:
        """Prefix tokens and patches with their positions, and the grid of the patches."""
        tokens, grid = self.patch_embed(images)
        prefix = [t for t in (self.cls_token, self.dist_token) if t is not None]
        tokens = torch.cat([*(t.expand(tokens.shape[0], -1, -1) for t in prefix), tokens], dim=1)
        positions = resample_positions(self.pos_embed, self.grid, grid, self.num_prefix_tokens)
        return tokens + positions, grid


def _of_each(value: Number | Sequence[Number], depth: int) -> Sequence[Number]:
    """The value of each block, from that of all or from one for each.

    Raises:
        UserError: there are more or fewer values than blocks.
    """
    values = value if isinstance(value, Sequence) else [value] * depth
    if len(values) != depth:
        raise UserError(f"expected one value for all blocks or {depth}, got {tuple(values)}")
    return values


def _block_indices(indices: Sequence[int], depth: int) -> list[int]:
    """Indices from 0 to depth - 1, in their order.

    Raises:
        UserError: there is none, or one is out of range.
    """
    if not indices or not all(-depth <= index < depth for index in indices):
        raise UserError(
            f"out_indices must name blocks from 0 to {depth - 1} (or from -{depth} to -1), got "
            f"{tuple(indices)}"
        )
    return sorted({index % depth for index in indices})

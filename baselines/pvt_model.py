"""PVT, version 1: four stages of spatial-reduction attention on plain patches.

Wang et al. 2021 (https://arxiv.org/abs/2102.12122), built from the suite's blocks and `sparse`
attention. The suite's pyramid follows version 2 and cannot replace this trunk: here patches do not
overlap, each stage has learned positions, MLPs have no convolution and a ratio per stage, heads
are 64 wide, and the last stage has a class token. In the last stage the reduction is 1, where
`sparse` attention equals `dense` (see `attention/sparse.py`), and `dense` takes class tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import Attention
from attnbench.attention.factory import create_attention
from attnbench.errors import UserError
from attnbench.models.backbone import Backbone, FeatureInfo, classifier
from attnbench.models.block import NORM_EPS, Block
from attnbench.models.positions import resample_positions
from attnbench.spec import Grid

DIMS = (64, 128, 320, 512)
HEAD_WIDTH = 64
MLP_RATIOS = (8.0, 8.0, 4.0, 4.0)
SR_RATIOS = (8, 4, 2, 1)
PATCHES = (4, 2, 2, 2)
LAST = len(DIMS) - 1


class Stage(nn.Module):
    """Patches of the previous map, positions, and blocks at one resolution."""

    def __init__(
        self, index: int, attentions: Iterable[Attention], in_chans: int, grid: Grid
    ) -> None:
        super().__init__()
        dim, patch = DIMS[index], PATCHES[index]
        self.built_for = grid
        self.proj = nn.Conv2d(in_chans, dim, kernel_size=patch, stride=patch)
        self.norm = nn.LayerNorm(dim)
        is_last = index == LAST
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim)) if is_last else None
        self.pos_embed = nn.Parameter(torch.zeros(1, grid[0] * grid[1] + is_last, dim))
        for parameter in (self.cls_token, self.pos_embed):
            if parameter is not None:
                nn.init.trunc_normal_(parameter, std=0.02)
        self.blocks = nn.ModuleList(
            Block(attention, mlp_ratio=MLP_RATIOS[index]) for attention in attentions
        )

    def forward(
        self, image: Float[Tensor, "batch channels height width"]
    ) -> tuple[Float[Tensor, "batch tokens dim"], Grid]:
        """Tokens of this stage and their grid; in the last stage the class token comes first."""
        image = self.proj(image)
        grid = int(image.shape[2]), int(image.shape[3])
        tokens = self.norm(image.flatten(2).transpose(1, 2))
        if self.cls_token is not None:
            tokens = torch.cat([self.cls_token.expand(tokens.shape[0], -1, -1), tokens], dim=1)
        num_prefix_tokens = tokens.shape[1] - grid[0] * grid[1]
        tokens = tokens + resample_positions(
            self.pos_embed, self.built_for, grid, num_prefix_tokens
        )
        for block in self.blocks:
            tokens = block(tokens, grid)
        return tokens, grid


class PvtTrunk(Backbone):
    """PVT's trunk around any attention, for images whose sides are multiples of 32 px."""

    def __init__(
        self,
        num_classes: int,
        img_size: int | tuple[int, int],
        depths: Sequence[int],
        attention: Callable[[int, int, int], Attention],
    ) -> None:
        """Put the stages together.

        Args:
            num_classes: logits; 0 builds it without a classifier.
            img_size: pixels, side or (height, width), that positions are learned for.
            depths: blocks of each stage.
            attention: called with (stage, dim, heads) for each block.

        Raises:
            UserError: a side of the images is no multiple of 32 px.
        """
        super().__init__()
        size = (img_size, img_size) if isinstance(img_size, int) else img_size
        _refuse_unfit(size)
        self.stages = nn.ModuleList()
        in_chans, grid = 3, size
        for index, depth in enumerate(depths):
            grid = grid[0] // PATCHES[index], grid[1] // PATCHES[index]
            heads = DIMS[index] // HEAD_WIDTH
            attentions = (attention(index, DIMS[index], heads) for _ in range(depth))
            self.stages.append(Stage(index, attentions, in_chans, grid))
            in_chans = DIMS[index]
        self.norm = nn.LayerNorm(DIMS[LAST], eps=NORM_EPS)
        self.head = classifier(DIMS[LAST], num_classes)
        self.feature_info = [
            FeatureInfo(channels=dim, stride=prod(PATCHES[: index + 1]))
            for index, dim in enumerate(DIMS)
        ]

    def no_weight_decay(self) -> set[str]:
        """Parameters that no optimiser should shrink."""
        tokens = ("pos_embed", "cls_token")
        return {name for name, _ in self.named_parameters() if name.endswith(tokens)}

    def features(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> list[Float[Tensor, "batch _ _ _"]]:
        """The maps of the four stages, the last one normed and without the class token."""
        maps = self._maps(images)[0]
        return [*maps[:LAST], self.norm(maps[LAST].movedim(1, -1)).movedim(-1, 1)]

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch classes"]:
        """Logits from the class token; without a classifier the class token."""
        return self.head(self.norm(self._maps(images)[1]))

    def _maps(self, images: Tensor) -> tuple[list[Tensor], Tensor]:
        """The map of each stage, and the class token."""
        _refuse_unfit((int(images.shape[-2]), int(images.shape[-1])))
        maps: list[Tensor] = []
        for stage in self.stages:
            tokens, grid = stage(images)
            images = tokens[:, -grid[0] * grid[1] :].transpose(1, 2).unflatten(2, grid)
            maps.append(images)
        return maps, tokens[:, 0]


class Pvt(PvtTrunk):
    """A PVT for images whose sides are multiples of 32 px."""

    def __init__(
        self,
        num_classes: int = 1000,
        img_size: int | tuple[int, int] = 224,
        *,
        depths: Sequence[int],
    ) -> None:
        super().__init__(num_classes, img_size, depths, reducing_attention)


def reducing_attention(stage: int, dim: int, heads: int) -> Attention:
    """PVT's own attention in that stage."""
    if stage == LAST:
        return create_attention("dense", dim, heads, num_prefix_tokens=1)
    return create_attention("sparse", dim, heads, sr_ratio=SR_RATIOS[stage])


def _refuse_unfit(sides: tuple[int, int]) -> None:
    if sides[0] % prod(PATCHES) or sides[1] % prod(PATCHES):
        raise UserError(
            f"PVT takes images whose sides are multiples of {prod(PATCHES)} px, got {sides[0]} × "
            f"{sides[1]}; choose another size"
        )

"""PVT, version 1: four stages of spatial-reduction attention on plain patches.

Wang et al. 2021 (https://arxiv.org/abs/2102.12122). The blocks and the `sparse` attention are the
suite's own. The suite's pyramid cannot stand in for the trunk, since that is version 2's: here
patches do not overlap, each stage has learned positions, MLPs have no convolution and a ratio per
stage, heads are 64 wide, and a class token joins in the last stage. There the reduction is 1,
which makes `sparse` attention dense (see `attention/sparse.py`), and `dense` takes class tokens.

Departure from the authors' code: positions are learned for the size that the model is built for,
and not interpolated to others.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import Attention, linear
from attnbench.attention.factory import create_attention
from attnbench.errors import UserError
from attnbench.models.block import NORM_EPS, Block
from attnbench.spec import Grid

DIMS = (64, 128, 320, 512)
HEAD_WIDTH = 64
MLP_RATIOS = (8.0, 8.0, 4.0, 4.0)
SR_RATIOS = (8, 4, 2, 1)
PATCHES = (4, 2, 2, 2)
LAST = len(DIMS) - 1


class Stage(nn.Module):
    """Patches of the map before, positions, and blocks at one resolution."""

    def __init__(self, index: int, depth: int, in_chans: int, grid: Grid) -> None:
        super().__init__()
        dim, patch = DIMS[index], PATCHES[index]
        self.grid = grid
        self.proj = nn.Conv2d(in_chans, dim, kernel_size=patch, stride=patch)
        self.norm = nn.LayerNorm(dim)
        is_last = index == LAST
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim)) if is_last else None
        self.pos_embed = nn.Parameter(torch.zeros(1, grid[0] * grid[1] + is_last, dim))
        for parameter in (self.cls_token, self.pos_embed):
            if parameter is not None:
                nn.init.trunc_normal_(parameter, std=0.02)
        self.blocks = nn.ModuleList(
            Block(_attention(index), mlp_ratio=MLP_RATIOS[index]) for _ in range(depth)
        )

    def forward(
        self, image: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch tokens dim"]:
        """Tokens of this stage; in the last one the class token comes first."""
        tokens = self.norm(self.proj(image).flatten(2).transpose(1, 2))
        if self.cls_token is not None:
            tokens = torch.cat([self.cls_token.expand(tokens.shape[0], -1, -1), tokens], dim=1)
        tokens = tokens + self.pos_embed
        for block in self.blocks:
            tokens = block(tokens, self.grid)
        return tokens


class Pvt(nn.Module):
    """A PVT for images of one fixed size."""

    def __init__(
        self,
        num_classes: int = 1000,
        img_size: int | tuple[int, int] = 224,
        *,
        depths: Sequence[int],
    ) -> None:
        super().__init__()
        self.img_size = (img_size, img_size) if isinstance(img_size, int) else img_size
        self.stages = nn.ModuleList()
        in_chans, grid = 3, self.img_size
        for index, depth in enumerate(depths):
            grid = _shrunk(grid, PATCHES[index], self.img_size)
            self.stages.append(Stage(index, depth, in_chans, grid))
            in_chans = DIMS[index]
        self.norm = nn.LayerNorm(DIMS[LAST], eps=NORM_EPS)
        self.head = linear(DIMS[LAST], num_classes)

    def no_weight_decay(self) -> set[str]:
        """Parameters that no optimiser should shrink."""
        tokens = ("pos_embed", "cls_token")
        return {name for name, _ in self.named_parameters() if name.endswith(tokens)}

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch classes"]:
        """Logits from the class token."""
        if tuple(images.shape[-2:]) != self.img_size:
            raise UserError(
                f"this model was built for images of {self.img_size[0]} × {self.img_size[1]}, "
                f"got {images.shape[-2]} × {images.shape[-1]}; build it with img_size=…"
            )
        tokens = images
        for index, stage in enumerate(self.stages):
            tokens = stage(images)
            if index < LAST:
                images = tokens.transpose(1, 2).unflatten(2, stage.grid)
        return self.head(self.norm(tokens)[:, 0])


def _attention(stage: int) -> Attention:
    dim = DIMS[stage]
    heads = dim // HEAD_WIDTH
    if stage == LAST:
        return create_attention("dense", dim, heads, num_prefix_tokens=1)
    return create_attention("sparse", dim, heads, sr_ratio=SR_RATIOS[stage])


def _shrunk(grid: Grid, patch: int, img_size: tuple[int, int]) -> Grid:
    if grid[0] % patch or grid[1] % patch:
        raise UserError(
            f"PVT takes images whose sides are multiples of 32 px, got {img_size[0]} × "
            f"{img_size[1]}; choose another img_size"
        )
    return grid[0] // patch, grid[1] // patch

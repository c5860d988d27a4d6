"""BiFormer: three stages of bi-level routing, a last one of dense attention, with convolutions.

Zhu et al. 2023 (https://arxiv.org/abs/2303.08810), built from `biformer` attention. Two 3 × 3
convolutions make the first map and one each further one, all of stride 2 with batch norm. A block
adds a depthwise 3 × 3 convolution of its input (which gives positions), then attention, then an MLP
of three times the width. Heads are 32 wide, and the last stage has eight of them.

The regions are 7 × 7 at any image size, so they grow with the image; see `biformer_attention.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import Attention, merge_heads
from attnbench.attention.factory import placed_attention
from attnbench.attention.projected import ProjectedAttention
from attnbench.attention.softmax import softmax_attention
from attnbench.models.backbone import classifier
from attnbench.models.block import Block
from attnbench.spec import Grid
from baselines.biformer_attention import LOCAL_KERNEL
from baselines.convolutional import Convolutional, convolution, depthwise, halving, mean

HEAD_WIDTH = 32
LAST = 3
LAST_HEADS = 8
MLP_RATIO = 3.0


class BiFormer(Convolutional):
    """A BiFormer for images of any size."""

    def __init__(
        self,
        num_classes: int = 1000,
        img_size: int | tuple[int, int] = 224,
        *,
        dims: Sequence[int],
        depths: Sequence[int],
    ) -> None:
        """Build it.

        Args:
            num_classes: logits; 0 builds it without a classifier and the weights of its norm.
            img_size: ignored, since any size works.
            dims: channels of each stage.
            depths: blocks of each stage.
        """
        norm = nn.BatchNorm2d(dims[-1], affine=num_classes > 0)
        super().__init__(
            dims,
            downsamples=[_stem(dims[0]), *map(halving, dims, dims[1:])],
            stages=[
                [BiFormerBlock(_attention(dim, stage, block)) for block in range(depth)]
                for stage, (dim, depth) in enumerate(zip(dims, depths, strict=True))
            ],
            pool=nn.Sequential(norm, *mean()),
            head=classifier(dims[-1], num_classes),
        )


class BiFormerBlock(nn.Module):
    """Positions, then attention and MLP."""

    def __init__(self, attention: Attention) -> None:
        super().__init__()
        self.pos = depthwise(attention.dim)
        self.block = Block(attention, mlp_ratio=MLP_RATIO)

    def forward(
        self, image: Float[Tensor, "batch dim rows columns"]
    ) -> Float[Tensor, "batch dim rows columns"]:
        """Mix the tokens, then transform each."""
        grid = int(image.shape[2]), int(image.shape[3])
        tokens = (image + self.pos(image)).flatten(2).transpose(1, 2)
        return self.block(tokens, grid).transpose(1, 2).unflatten(2, grid)


class LastAttention(ProjectedAttention):
    """Attention over all tokens, plus a depthwise 5 × 5 convolution of the input."""

    projections: ClassVar[dict[str, int]] = {"qkv": 3}
    qkv: nn.Linear

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__(dim, num_heads, qkv_bias=False)
        self.local = nn.Conv2d(dim, dim, LOCAL_KERNEL, padding=LOCAL_KERNEL // 2, groups=dim)

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Attend, add, project."""
        query, key, value = self.heads(self.qkv(x))
        mixed = softmax_attention(query, key, value, scale=self.scale, impl=self.impl)
        local = self.local(x.transpose(1, 2).unflatten(2, grid)).flatten(2).transpose(1, 2)
        return self.proj_drop(self.proj(merge_heads(mixed) + local))

    def macs(self, grid: Grid, batch: int = 1) -> int:
        """4 n C² + 2 n² C + 25 n C."""
        n, dim = self.num_tokens(grid), self.dim
        return batch * n * dim * (4 * dim + 2 * n + LOCAL_KERNEL**2)


def _attention(dim: int, stage: int, block: int) -> Attention:
    if stage == LAST:
        return LastAttention(dim, LAST_HEADS)
    return placed_attention("biformer", dim, dim // HEAD_WIDTH, stage, block, {})


def _stem(dim: int) -> nn.Sequential:
    """Two convolutions with GELU between them."""
    half = dim // 2
    return nn.Sequential(*convolution(3, half, 2), nn.GELU(), *convolution(half, dim, 2))

"""RMT: four stages of Manhattan attention, decomposed in the early stages, with convolutions.

Fan et al. 2024 (https://arxiv.org/abs/2309.11523), built from `manhattan` and
`manhattan-axial`. Four 3 × 3 convolutions make the first map and one of stride 2 each further
one, all with batch norm. A block adds a depthwise 3 × 3 convolution of its input (which gives
positions), then attention, then an MLP with another one inside. There are no absolute positions, so
any input size works. The larger sizes scale what the blocks of the last two stages add.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import Attention, linear
from attnbench.attention.factory import create_attention
from attnbench.models.backbone import classifier
from attnbench.models.block import NORM_EPS
from baselines.convolutional import Convolutional, convolution, depthwise, halving, mean

HEAD_DIM = 1024
"""Channels of the last map before the classifier."""
LAYER_SCALE = 1e-6


class Rmt(Convolutional):
    """An RMT for images of any size."""

    def __init__(
        self,
        num_classes: int = 1000,
        img_size: int | tuple[int, int] = 224,
        *,
        dims: Sequence[int],
        depths: Sequence[int],
        heads: Sequence[int],
        mlp_ratios: Sequence[float],
        decay_ranges: Sequence[float] = (4.0, 4.0, 6.0, 6.0),
        full_from: int = 3,
        scaled_from: int = 4,
    ) -> None:
        """Build it.

        Args:
            num_classes: logits; 0 builds it without a classifier and its convolution.
            img_size: ignored, since any size works.
            dims: channels of each stage.
            depths: blocks of each stage.
            heads: attention heads of each stage.
            mlp_ratios: hidden channels of the MLP by those of the stage.
            decay_ranges: see `ManhattanAttention`.
            full_from: first stage that attends over all tokens; those before are decomposed.
            scaled_from: first stage whose blocks scale what they add.
        """
        stages: list[list[nn.Module]] = []
        for index, (dim, depth) in enumerate(zip(dims, depths, strict=True)):
            name = "manhattan" if index >= full_from else "manhattan-axial"
            stages.append(
                [
                    RmtBlock(
                        create_attention(name, dim, heads[index], decay_range=decay_ranges[index]),
                        mlp_ratio=mlp_ratios[index],
                        scaled=index >= scaled_from,
                    )
                    for _ in range(depth)
                ]
            )
        super().__init__(
            dims,
            downsamples=[_stem(dims[0]), *map(halving, dims, dims[1:])],
            stages=stages,
            pool=_pool(dims[-1]) if num_classes else mean(),
            head=classifier(HEAD_DIM, num_classes),
        )


class RmtBlock(nn.Module):
    """Positions, attention and MLP, each with a skip around it."""

    def __init__(self, attention: Attention, *, mlp_ratio: float, scaled: bool) -> None:
        super().__init__()
        dim = attention.dim
        self.pos = depthwise(dim)
        self.norm1 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.attn = attention
        self.norm2 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.mlp = ConvMlp(dim, int(dim * mlp_ratio))
        self.scale1 = nn.Parameter(torch.full((dim,), LAYER_SCALE)) if scaled else 1.0
        self.scale2 = nn.Parameter(torch.full((dim,), LAYER_SCALE)) if scaled else 1.0

    def forward(
        self, image: Float[Tensor, "batch dim rows columns"]
    ) -> Float[Tensor, "batch dim rows columns"]:
        """Mix the tokens, then transform each."""
        grid = int(image.shape[2]), int(image.shape[3])
        tokens = (image + self.pos(image)).flatten(2).transpose(1, 2)
        tokens = tokens + self.scale1 * self.attn(self.norm1(tokens), grid)
        tokens = tokens + self.scale2 * self.mlp(self.norm2(tokens), grid)
        return tokens.transpose(1, 2).unflatten(2, grid)


class ConvMlp(nn.Module):
    """Two linear layers; between them GELU, then a depthwise convolution with a skip."""

    def __init__(self, dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.fc1 = linear(dim, hidden_dim)
        self.act = nn.GELU()
        self.dwconv = depthwise(hidden_dim)
        self.fc2 = linear(hidden_dim, dim)

    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: tuple[int, int]
    ) -> Float[Tensor, "batch tokens dim"]:
        """Transform each token, with a look at its eight neighbours."""
        image = self.act(self.fc1(x)).transpose(1, 2).unflatten(2, grid)
        image = image + self.dwconv(image)
        return self.fc2(image.flatten(2).transpose(1, 2))


def _stem(dim: int) -> nn.Sequential:
    """Four convolutions, the first and the third of stride 2; GELU between them."""
    widths = (3, dim // 2, dim // 2, dim, dim)
    layers: list[nn.Module] = []
    for index in range(4):
        stride = 1 if index % 2 else 2
        layers += [*convolution(widths[index], widths[index + 1], stride), nn.GELU()]
    return nn.Sequential(*layers[:-1])


def _pool(dim: int) -> nn.Sequential:
    """Project each place, and take the mean."""
    project = nn.Conv2d(dim, HEAD_DIM, kernel_size=1)
    return nn.Sequential(project, nn.BatchNorm2d(HEAD_DIM), nn.SiLU(), mean())

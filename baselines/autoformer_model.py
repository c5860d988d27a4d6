"""AutoFormer: a plain trunk whose blocks differ in heads and in the width of their MLP.

Chen et al. 2021 (https://arxiv.org/abs/2107.00651): patches of 16, a class token, learned absolute
positions, pre-norm blocks with `autoformer` attention in heads of 64 channels. The classifier reads
the mean of the patch tokens. The published weights are cut out of a network that was trained with
many choices of heads and widths at once; a model that is trained alone is another experiment.
"""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from attnbench.models.vit import VisionTransformer

HEAD_DIM = 64


class AutoFormer(VisionTransformer):
    """An AutoFormer; images may have any size that is a multiple of the patch."""

    def __init__(
        self,
        num_classes: int = 1000,
        img_size: int | tuple[int, int] = 224,
        *,
        dim: int,
        heads: Sequence[int],
        mlp_ratios: Sequence[float],
        impl: str = "reference",
        out_indices: Sequence[int] = (-1,),
    ) -> None:
        """Build it with positions for `img_size`.

        Args:
            num_classes: logits; 0 builds it without a classifier.
            img_size: pixels, side or (height, width).
            dim: channels of the tokens.
            heads: attention heads of each block.
            mlp_ratios: hidden channels of the MLP by `dim`, of each block.
            impl: code of the attention.
            out_indices: blocks whose maps `features` returns; negative ones count from the end.
        """
        super().__init__(
            num_classes,
            img_size,
            attention="autoformer",
            attention_options={"head_dim": HEAD_DIM, "impl": impl},
            dim=dim,
            depth=len(heads),
            num_heads=heads,
            mlp_ratio=mlp_ratios,
            class_token=True,
            out_indices=out_indices,
        )

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch classes"]:
        """Logits; without a classifier what it would read."""
        tokens = self.forward_features(images)
        return self.head(tokens[:, self.num_prefix_tokens :].mean(1))

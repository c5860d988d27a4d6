"""timm's models as backbones: maps (batch, channels, height, width) with channels and strides."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.errors import UserError
from attnbench.models.backbone import Backbone, FeatureInfo
from attnbench.models.from_timm.build import ImageSize, build, reason_of, sides_of

ANY_SIZE = {"dynamic_img_size": True, "strict_img_size": False}
"""What makes timm's families take images of other sizes than their own, where they have it."""


class TimmBackbone(Backbone):
    """A model of timm without its classifier, through timm's own `features_only=True`.

    Convolutional families take images of any size, or of any multiple of their last stride, and
    so do transformers that know one of `ANY_SIZE`. The others take the size that they are built
    for. (CrossViT rescales images of other sizes, so its strides hold for its own size alone.)
    """

    def __init__(
        self, timm_name: str, img_size: ImageSize = 224, *, pretrained: bool = False
    ) -> None:
        """Build it.

        Args:
            timm_name: as timm spells it.
            img_size: pixels, side or (height, width).
            pretrained: load published weights, from timm's cache or from the network.

        Raises:
            UserError: the model gives no maps, or does not work at this size.
        """
        super().__init__()
        self.timm_name = timm_name
        self.img_size = sides_of(img_size)
        self.body = _extractor(timm_name, img_size, pretrained)
        self.is_channels_last = getattr(self.body, "output_fmt", "NCHW") == "NHWC"
        info: Any = self.body.feature_info
        self.feature_info = [
            FeatureInfo(channels=channels, stride=stride)
            for channels, stride in zip(info.channels(), info.reduction(), strict=True)
        ]

    def features(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> list[Float[Tensor, "batch _ _ _"]]:
        """The maps of timm's default stages or, for plain transformers, of its last blocks.

        Raises:
            UserError: the model does not work on images of this size.
        """
        try:
            maps: list[Tensor] = self.body(images)
        except torch.OutOfMemoryError:
            raise
        except (AssertionError, RuntimeError) as error:  # how timm's families refuse a size
            sides = (int(images.shape[-2]), int(images.shape[-1]))
            if sides == self.img_size:
                raise
            raise UserError(self._refusal(sides, reason_of(error))) from error
        return [one.permute(0, 3, 1, 2) for one in maps] if self.is_channels_last else maps

    def forward(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch dim"]:
        """The mean of the last map."""
        return self.features(images)[-1].mean((2, 3))

    def _refusal(self, sides: tuple[int, int], reason: str) -> str:
        built, got = (f"{height} × {width}" for height, width in (self.img_size, sides))
        return (
            f"timm:{self.timm_name} was built for images of {built} px and does not work on "
            f"{got} ({reason}); build it for that size"
        )


def _extractor(timm_name: str, img_size: ImageSize, pretrained: bool) -> nn.Module:
    try:
        return build(timm_name, img_size, pretrained=pretrained, features_only=True, **ANY_SIZE)
    except (RuntimeError, AttributeError, AssertionError) as error:
        raise UserError(
            f"timm:{timm_name} gives no maps ({reason_of(error)}); choose another backbone"
        ) from error

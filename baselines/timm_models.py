"""Baselines from timm (https://github.com/huggingface/pytorch-image-models, Apache-2.0)."""

from __future__ import annotations

from torch import nn

from attnbench.errors import UserError
from attnbench.models.from_timm.adapter import TimmBackbone
from attnbench.models.from_timm.build import build, reason_of


def create_timm_model(
    num_classes: int, img_size: int | tuple[int, int], *, timm_name: str, pretrained: bool = False
) -> nn.Module:
    """Build one of timm's models, with published weights if asked.

    Args:
        num_classes: logits; the head is fresh if the weights have another number. 0 builds a
            backbone.
        img_size: pixels, side or (height, width).
        timm_name: timm's name with the tag of the published weights.
        pretrained: load these weights, from timm's cache or from the network.

    Raises:
        UserError: the model does not work at this size, or the weights cannot be loaded.
    """

    def create() -> nn.Module:
        if num_classes == 0:
            return TimmBackbone(timm_name, img_size, pretrained=pretrained)
        return build(timm_name, img_size, num_classes=num_classes, pretrained=pretrained)

    if not pretrained:
        return create()
    try:
        return create()
    except UserError:
        raise
    except OSError as error:  # every failure of the network and of the cache
        raise UserError(
            f"the weights of timm's {timm_name} are neither in the cache nor could they be "
            "fetched from the Hugging Face Hub: connect once, point HF_HOME to a filled cache, or "
            "leave pretrained=True out"
        ) from error
    except (RuntimeError, ValueError) as error:
        raise UserError(
            f"the weights of timm's {timm_name} do not fit a model for {img_size} px: "
            f"{reason_of(error)}; "
            "leave img_size at the model's own"
        ) from error

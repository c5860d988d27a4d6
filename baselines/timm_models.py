"""Models of timm (https://github.com/huggingface/pytorch-image-models, Apache-2.0) as baselines."""

from __future__ import annotations

from torch import nn

from attnbench.errors import UserError

SIZE_FREE = ("pvt_v2", "tf_efficientnet")
"""Families without position embeddings: they take images of any size, and no `img_size`."""


def create_timm_model(
    num_classes: int, img_size: int | tuple[int, int], *, timm_name: str, pretrained: bool = False
) -> nn.Module:
    """Build one of timm's models for images of `img_size` pixels.

    Args:
        num_classes: outputs; with another number than the weights have, the head is fresh.
        img_size: side, or (height, width).
        timm_name: timm's name with the tag of the published weights.
        pretrained: load these weights, from timm's cache or from the network.

    Raises:
        UserError: the weights are neither in the cache nor within reach, or do not fit.
    """
    import timm

    sized = {} if timm_name.startswith(SIZE_FREE) else {"img_size": img_size}
    if not pretrained:
        return timm.create_model(timm_name, pretrained=False, num_classes=num_classes, **sized)
    try:
        return timm.create_model(timm_name, pretrained=True, num_classes=num_classes, **sized)
    except OSError as error:  # what every failure of the network and of the cache is
        raise UserError(
            f"the weights of timm's {timm_name} are neither in the cache nor could they be "
            "fetched from the Hugging Face Hub: connect once, point HF_HOME to a filled cache, or "
            "leave pretrained=True out"
        ) from error
    except (RuntimeError, ValueError) as error:
        reason = (str(error).strip().splitlines() or ["no reason given"])[0]
        raise UserError(
            f"the weights of timm's {timm_name} do not fit a model for {img_size} px: {reason}; "
            "leave img_size at the model's own"
        ) from error

"""Grad-CAM (Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391): what speaks for a class.

With A the maps of one layer and G the gradient of a class's logit with respect to them,

    w_c = mean of G_c over the cells        map = relu(Σ_c w_c A_c)

Where a linear head reads the mean of A, that is the map of Zhou et al. 2016 (CAM), up to a factor.
Models with two heads, such as DeiT's distilled ones, answer with the mean of both logits.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from attnbench.errors import UserError
from attnbench.explain.layer import REMEDY, layout_of

FIRST_ANSWER = -1
"""In place of a class: the one that the model gives the highest logit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMaps:
    """What speaks for one class in each image."""

    layer: str
    maps: Float[Tensor, "images rows columns"]
    """Not negative, on the grid of the layer; all zero where nothing speaks for the class."""
    classes: Int[Tensor, " images"]
    shares: Float[Tensor, " images"]
    """The probability that the model gives these classes."""


def grad_cam(
    model: nn.Module,
    images: Float[Tensor, "images channels height width"],
    classes: Int[Tensor, " images"],
    layer: str,
) -> ClassMaps:
    """The maps of these classes.

    Args:
        model: in evaluation mode, from images to logits (images, classes).
        images: normalised.
        classes: one for each image; `FIRST_ANSWER` for that of the model.
        layer: name of the module whose output is looked at.

    Raises:
        UserError: the layer is not called or its output is no map, no gradient reaches it, or the
            model's output is no tensor of logits.
    """
    logits, output = _called(model, images, layer)
    classes = torch.where(classes == FIRST_ANSWER, logits.argmax(1), classes)
    (gradient,) = torch.autograd.grad(
        logits.gather(1, classes[:, None]).sum(), output, materialize_grads=True
    )
    layout, image = layout_of(model), (int(images.shape[-2]), int(images.shape[-1]))
    values, slopes = layout.maps(output.detach(), image), layout.maps(gradient, image)
    if values is None or slopes is None:
        raise UserError(
            f"the output of layer {layer} is no map: its shape is {tuple(output.shape)}; {REMEDY}"
        )
    if not slopes.any():
        raise UserError(
            f"no gradient reaches the map of layer {layer}: what comes after it reads other tokens "
            "alone, such as the class token; take a layer before, such as the first norm of the "
            "last block, with --layer"
        )
    weights = slopes.mean((2, 3), keepdim=True)
    return ClassMaps(
        layer=layer,
        maps=(weights * values).sum(1).relu(),
        classes=classes,
        shares=logits.detach().softmax(1).gather(1, classes[:, None])[:, 0],
    )


def _called(model: nn.Module, images: Tensor, layer: str) -> tuple[Tensor, Tensor]:
    """The logits, and the output of the layer that they follow from."""
    outputs: list[Tensor] = []

    def keep(module: nn.Module, args: object, output: object) -> object:
        if not isinstance(output, Tensor):
            return output
        outputs.append(output)
        return output.clone()  # what comes after may change it in place

    hook = model.get_submodule(layer).register_forward_hook(keep)
    try:
        with torch.enable_grad():
            logits = model(images)
    finally:
        hook.remove()
    if not outputs:
        raise UserError(f"layer {layer} is not called, or its output is no tensor; {REMEDY}")
    if not (isinstance(logits, Tensor) and logits.ndim == 2):
        raise UserError(
            f"expected a classifier with logits (images, classes), got {type(model).__name__} with "
            "another output; give a checkpoint of classification"
        )
    return logits, outputs[-1]

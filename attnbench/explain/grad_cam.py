"""Grad-CAM (Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391): what speaks for an answer.

With A the maps of one layer and G the gradient of the explained number (see `explain.answers`) with
respect to them,

    w_c = mean of G_c over the cells        map = relu(Σ_c w_c A_c)

Where a linear head reads the mean of A, that is the map of Zhou et al. 2016 (CAM), up to a factor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from attnbench.errors import UserError
from attnbench.explain.answers import Answerer, of_logits
from attnbench.explain.layer import REMEDY, layout_of
from attnbench.models.backbone import Backbone


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMaps:
    """What speaks for one class in each image."""

    maps: Float[Tensor, "images rows columns"]
    """Not negative, on the grid of the layer; all zero where nothing speaks for the class."""
    classes: Int[Tensor, " images"]
    shares: Float[Tensor, " images"]
    """See `Answers.shares`."""
    there: Tensor
    """bool (images,): whether the model has an answer."""
    reached: Tensor
    """bool (images,): whether any gradient of the answer reaches the layer."""
    detected: tuple[tuple[float, ...], ...]
    """See `Answers.detected`."""


def grad_cam(
    model: nn.Module,
    images: Float[Tensor, "images channels height width"],
    classes: Int[Tensor, " images"],
    layer: str,
    answer: Answerer = of_logits,
) -> ClassMaps:
    """The maps of these classes.

    Args:
        model: in evaluation mode.
        images: normalised.
        classes: one for each image; `FIRST_ANSWER` for that of the model.
        layer: name of the module whose output is looked at; of a `Backbone` below a head it is the
            coarsest of its maps that has several cells.
        answer: what is explained.

    Raises:
        UserError: the layer is not called, its output is no map, or the model's output is none that
            `answer` takes.
    """
    image = int(images.shape[-2]), int(images.shape[-1])
    with torch.enable_grad(), kept(model, layer) as outputs:
        answers = answer(model, model(images), classes, image)
    if not outputs:
        raise UserError(f"layer {layer} is not called, or its output is no tensor; {REMEDY}")
    output = outputs[-1]
    gradient = _gradient(answers.scores.sum(), output)
    layout = layout_of(model)
    values, slopes = layout.maps(output.detach(), image), layout.maps(gradient, image)
    if values is None or slopes is None:
        raise UserError(
            f"the output of layer {layer} is no map: its shape is {tuple(output.shape)}; {REMEDY}"
        )
    weights = slopes.mean((2, 3), keepdim=True)
    return ClassMaps(
        maps=(weights * values).sum(1).relu(),
        classes=answers.classes,
        shares=answers.shares,
        there=answers.there,
        reached=slopes.flatten(1).any(1),
        detected=answers.detected,
    )


def _gradient(score: Tensor, output: Tensor) -> Tensor:
    """Zero where the score does not follow from the output."""
    if not (score.requires_grad and output.requires_grad):
        return torch.zeros_like(output)
    (gradient,) = torch.autograd.grad(score, output, materialize_grads=True)
    return gradient


@contextmanager
def kept(model: nn.Module, layer: str) -> Iterator[list[Tensor]]:
    """The outputs of a layer while the model is called, of which the score follows."""
    outputs: list[Tensor] = []
    module = model.get_submodule(layer)

    def keep(output: Tensor) -> Tensor:
        outputs.append(output)
        return output.clone()  # what comes after may change it in place

    undo = _keep_map(module, keep) if isinstance(module, Backbone) else _keep_output(module, keep)
    try:
        yield outputs
    finally:
        undo()


def _keep_output(module: nn.Module, keep: Callable[[Tensor], Tensor]) -> Callable[[], None]:
    hook = module.register_forward_hook(
        lambda module, args, output: keep(output) if isinstance(output, Tensor) else output
    )
    return hook.remove


def _keep_map(backbone: Backbone, keep: Callable[[Tensor], Tensor]) -> Callable[[], None]:
    """Heads call `features` alone, which no hook sees."""
    features = backbone.features

    def kept_features(images: Tensor) -> list[Tensor]:
        maps = list(features(images))
        several = [place for place, one in enumerate(maps) if one.shape[2] * one.shape[3] > 1]
        place = several[-1] if several else len(maps) - 1
        maps[place] = keep(maps[place])
        return maps

    backbone.__dict__["features"] = kept_features
    return lambda: backbone.__dict__.pop("features", None)

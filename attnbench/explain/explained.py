"""One model's maps of all pictures, and what of them lies inside the boxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from attnbench.data.augment import normalise
from attnbench.explain.grad_cam import ClassMaps, grad_cam
from attnbench.explain.in_boxes import (
    InBoxes,
    Inside,
    centred_gaussian,
    covered,
    full_size,
    in_boxes,
    inside,
)
from attnbench.explain.layer import layer_of
from attnbench.explain.pictures import BATCH, Pictures
from attnbench.explain.questions import Questions


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What a model looks at."""

    layer: str
    maps: Tensor
    """(pictures, height, width), not negative."""
    classes: tuple[str, ...]
    """The class that is explained in each picture."""
    shares: tuple[float, ...]
    """The probability that the model gives it."""
    empty: int
    """Pictures in which nothing speaks for the class: the map is zero."""
    scores: InBoxes | None
    """None if no picture has boxes."""
    control: InBoxes | None
    """The centred Gaussian, on the same boxes."""


def explain(
    model: nn.Module,
    class_names: Sequence[str],
    pictures: Pictures,
    questions: Questions,
    *,
    layer: str | None = None,
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> Explained:
    """Explain the classes of `questions`.

    Args:
        model: a classifier in evaluation mode, on the CPU.
        class_names: in the order of its logits.
        pictures: at the size that it takes.
        questions: which class, and which boxes, for each picture.
        layer: the layer to look at; None for the one that fits the model.
        on_step: called with (pictures done, pictures in all).

    Raises:
        UserError: no map can be made of this model at this layer.
    """
    images = normalise(pictures.pixels)
    name = layer_of(model, images[:1], layer)
    found: list[ClassMaps] = []
    for start in range(0, len(images), BATCH):
        part = slice(start, start + BATCH)
        found.append(grad_cam(model, images[part], questions.classes[part], name))
        on_step(min(start + BATCH, len(images)), len(images))
    size = int(images.shape[-2]), int(images.shape[-1])
    maps = full_size(torch.cat([one.maps for one in found]), size)
    scores, control = _scores(maps, questions)
    return Explained(
        layer=name,
        maps=maps,
        classes=tuple(class_names[i] for one in found for i in one.classes.tolist()),
        shares=tuple(share for one in found for share in one.shares.tolist()),
        empty=int((maps.amax((1, 2)) <= 0).sum()),
        scores=scores,
        control=control,
    )


def _scores(maps: Tensor, questions: Questions) -> tuple[InBoxes | None, InBoxes | None]:
    """What the maps, and the control, have inside the boxes of the pictures that have some."""
    size = int(maps.shape[1]), int(maps.shape[2])
    gaussian = centred_gaussian(size)
    found: list[Inside] = []
    control: list[Inside] = []
    for place, boxes in enumerate(questions.boxes):
        if len(boxes):
            mask = covered(boxes, size)
            found.append(inside(maps[place], mask))
            control.append(inside(gaussian, mask))
    if not found:
        return None, None
    return in_boxes(found, control), in_boxes(control, control)

"""One model's maps of all pictures, and what of them lies inside the boxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from attnbench.data.augment import normalise
from attnbench.errors import UserError
from attnbench.explain.answers import NOTHING, SHARES, answerer_of
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
    cells: Tensor
    """(pictures, rows, columns), not negative: the maps on the grid of the layer."""
    maps: Tensor
    """(pictures, height, width), not negative: the same at the size of the pictures."""
    classes: tuple[str, ...]
    """The class that is explained in each picture."""
    shares: tuple[float, ...]
    """See `Answers.shares`; `shares_are` says it to a reader."""
    shares_are: str
    empty: int
    """Pictures in which nothing speaks for the class: the map is zero."""
    nothing: int
    """Of these, pictures in which the model finds nothing that could be explained."""
    unreached: int
    """Of these, pictures in which no gradient of the answer reaches the layer."""
    detected: tuple[tuple[float, ...], ...]
    """Of a detector: the box of the explained detection in each picture, () where there is none."""
    boxes: tuple[Tensor, ...]
    """Of each picture, (boxes, 4) in its pixels: those that the numbers are about."""
    boxes_are: str
    """What the boxes are, for a reader; "" if the data have none."""
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
    task: str = "classification",
    layer: str | None = None,
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> Explained:
    """Explain the classes of `questions`.

    Args:
        model: in evaluation mode, on the CPU.
        class_names: in the order of its classes.
        pictures: at the size that it takes.
        questions: which class, and which boxes, for each picture.
        task: of the model: classification, detection or segmentation.
        layer: the layer to look at; None for the one that fits the model.
        on_step: called with (pictures done, pictures in all).

    Raises:
        UserError: no map can be made of this model at this layer, or no answer follows from it.
    """
    images = normalise(pictures.pixels)
    name = layer_of(model, images[:1], layer)
    found: list[ClassMaps] = []
    for start in range(0, len(images), BATCH):
        part = slice(start, start + BATCH)
        asked = questions.classes[part]
        found.append(grad_cam(model, images[part], asked, name, answerer_of(task)))
        on_step(min(start + BATCH, len(images)), len(images))
    return _summed(found, class_names, pictures, questions, name, SHARES[task])


def _summed(
    found: Sequence[ClassMaps],
    class_names: Sequence[str],
    pictures: Pictures,
    questions: Questions,
    layer: str,
    shares_are: str,
) -> Explained:
    """All batches in one, with the numbers.

    Raises:
        UserError: no answer of the model follows from the layer.
    """
    there, reached = (
        torch.cat([getattr(one, key) for one in found]) for key in ("there", "reached")
    )
    if there.any() and not (there & reached).any():
        raise _out_of_reach(layer)
    cells = torch.cat([one.maps for one in found])
    maps = full_size(cells, (int(pictures.pixels.shape[-2]), int(pictures.pixels.shape[-1])))
    classes = [label for one in found for label in one.classes.tolist()]
    boxes = questions.boxes_for(classes)
    scores, control = _scores(maps, boxes)
    return Explained(
        layer=layer, cells=cells, maps=maps,
        classes=tuple("nothing found" if i == NOTHING else class_names[i] for i in classes),
        shares=tuple(share for one in found for share in one.shares.tolist()),
        shares_are=shares_are,
        empty=int((maps.amax((1, 2)) <= 0).sum()), nothing=int((~there).sum()),
        unreached=int((there & ~reached).sum()),
        detected=tuple(box for one in found for box in one.detected),
        boxes=boxes, boxes_are=questions.text, scores=scores, control=control,
    )  # fmt: skip


def _out_of_reach(layer: str) -> UserError:
    return UserError(
        f"no gradient reaches the map of layer {layer}: the answers follow from other tokens or "
        "maps alone, such as the class token; take a layer before, such as the first norm of the "
        "last block, with --layer"
    )


def _scores(maps: Tensor, boxes: Sequence[Tensor]) -> tuple[InBoxes | None, InBoxes | None]:
    """What the maps, and the control, have inside the boxes of the pictures that have some."""
    size = int(maps.shape[1]), int(maps.shape[2])
    gaussian = centred_gaussian(size)
    found: list[Inside] = []
    control: list[Inside] = []
    for place, own in enumerate(boxes):
        if len(own):
            mask = covered(own, size)
            found.append(inside(maps[place], mask))
            control.append(inside(gaussian, mask))
    if not found:
        return None, None
    return in_boxes(found, control), in_boxes(control, control)

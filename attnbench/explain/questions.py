"""Which class is explained in each picture, and which boxes its map should lie in.

A class that is asked for is explained in every picture. Else, where the data and the model know
classes of the same name, it is the one that covers most of the picture, and pictures without any
are not counted. Of a detector it is the class of its best detection instead, and the boxes of that
class count. Else it is the model's own answer, and all boxes count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from attnbench.bounds import shortened
from attnbench.data.names import some
from attnbench.data.targets import Objects
from attnbench.errors import UserError
from attnbench.explain.answers import FIRST_ANSWER
from attnbench.explain.pictures import Pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What is asked of each picture."""

    classes: Tensor
    """int64 (pictures,): of the model, or `FIRST_ANSWER`."""
    boxes: tuple[Tensor, ...]
    """Of each picture, (boxes, 4) in its pixels; without any it is not counted. () if the data have
    no boxes."""
    text: str
    """What the boxes are, for a reader; "" if the data have none."""
    labels: tuple[Tensor, ...] = ()
    """int64 (boxes,) of each picture: the class of each box among those of the model, -1 where it
    knows none of that name. () where all boxes count, whatever the answer is."""

    def boxes_for(self, answers: Sequence[int]) -> tuple[Tensor, ...]:
        """The boxes that count if these are the classes that are explained."""
        if not self.labels:
            return self.boxes
        return tuple(
            boxes[(labels == answer) & (answer >= 0)]
            for boxes, labels, answer in zip(self.boxes, self.labels, answers, strict=True)
        )


def questions_for(
    pictures: Pictures,
    class_names: Sequence[str],
    target: str | None = None,
    task: str = "classification",
) -> Questions:
    """The questions for a model of this task that knows these classes.

    Raises:
        UserError: the model does not know the class that is asked for.
    """
    if target is not None and target not in class_names:
        raise UserError(
            f"--target: expected a class of the model, got {shortened(target)}; it knows "
            f"{some(list(class_names))}"
        )
    if target is None and set(pictures.class_names) & set(class_names):
        if task == "detection":
            return _own_answer(pictures, class_names)
        return _largest(pictures, class_names)
    answer = FIRST_ANSWER if target is None else class_names.index(target)
    classes = torch.full((len(pictures.names),), answer)
    if target in pictures.class_names:
        label = pictures.class_names.index(target)
        boxes = tuple(one.boxes[one.labels == label] for one in pictures.objects)
        return Questions(classes=classes, boxes=boxes, text=f"boxes of {target}")
    return Questions(
        classes=classes,
        boxes=tuple(one.boxes for one in pictures.objects),
        text="all boxes: the data do not know the model's classes" if pictures.objects else "",
    )


def _own_answer(pictures: Pictures, class_names: Sequence[str]) -> Questions:
    """Let a detector answer, and count the boxes of that class."""
    places = [class_names.index(n) if n in class_names else -1 for n in pictures.class_names]
    known = torch.tensor(places)
    return Questions(
        classes=torch.full((len(pictures.names),), FIRST_ANSWER),
        boxes=tuple(one.boxes for one in pictures.objects),
        labels=tuple(known[one.labels] for one in pictures.objects),
        text="boxes of the class of the best detection in each picture",
    )


def _largest(pictures: Pictures, class_names: Sequence[str]) -> Questions:
    """Ask each picture for the known class that covers most of it."""
    known = {
        label: class_names.index(name)
        for label, name in enumerate(pictures.class_names)
        if name in class_names
    }
    chosen = [_largest_label(one, known) for one in pictures.objects]
    return Questions(
        classes=torch.tensor([FIRST_ANSWER if one is None else known[one] for one in chosen]),
        boxes=tuple(
            one.boxes[:0] if label is None else one.boxes[one.labels == label]
            for one, label in zip(pictures.objects, chosen, strict=True)
        ),
        text="boxes of the known class that covers most of each picture",
    )


def _largest_label(objects: Objects, known: dict[int, int]) -> int | None:
    """The label of the known class with the largest boxes together; None if there is none."""
    sides = objects.boxes[:, 2:] - objects.boxes[:, :2]
    areas: dict[int, float] = {}
    for label, area in zip(objects.labels.tolist(), sides.prod(1).tolist(), strict=True):
        if label in known:
            areas[label] = areas.get(label, 0.0) + area
    return max(areas, key=lambda label: areas[label], default=None)

"""What is known of a picture: the boxes of its objects, or a class for each of its pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Objects:
    """The labelled objects of one picture, in pixels of the picture as the model sees it.

    A picture without objects has empty tensors of the same types.
    """

    picture: str
    """Which picture: its path in the data set, or its number."""
    size: tuple[int, int]
    """(height, width) of the original picture: detections are scored in its pixels."""
    boxes: Tensor
    """float32 (objects, 4): x1, y1, x2, y2, with x1 < x2 and y1 < y2."""
    labels: Tensor
    """int64 (objects,), from 0."""
    crowd: Tensor
    """bool (objects,): regions of objects that nobody told apart. They are no targets, and
    detections inside them are neither right nor wrong."""
    areas: Tensor
    """float32 (objects,): pixels of the original that an object covers; of its box where no
    outline is known."""
    seen: tuple[int, int] | None = None
    """(height, width) that the picture takes in the model's input, from its upper left corner:
    all of it after squashing, a part of it after letterboxing. None: that of the original."""
    exact: Tensor | None = None
    """float32 (objects, 4): the boxes in pixels of the original, as its labels have them. Scores
    are taken from them, so that they do not depend on the size that the model sees. None where
    `boxes` are all that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detections:
    """What was found in one picture, in pixels of the picture as the model saw it.

    `Detection.predict` puts them into pixels of the original picture.
    """

    boxes: Tensor
    """float32 (detections, 4): x1, y1, x2, y2."""
    scores: Tensor
    """float32 (detections,) from 0 to 1, the highest first."""
    labels: Tensor
    """int64 (detections,), from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMap:
    """The class of each pixel of one picture."""

    picture: str
    """Which picture: its path in the data set, or its number."""
    labels: Tensor
    """uint8 (height, width) from 0, `IGNORE` where no class is meant. In training it has the size
    of the image that the model sees; in evaluation that of the original picture."""


Target = Objects | LabelMap


def moved(target: Target, device: torch.device | str) -> Target:
    """A target with its tensors on a device."""
    if isinstance(target, LabelMap):
        return replace(target, labels=target.labels.to(device))
    return replace(
        target,
        boxes=target.boxes.to(device),
        labels=target.labels.to(device),
        crowd=target.crowd.to(device),
        areas=target.areas.to(device),
    )


def relabelled(target: Target, places: Tensor) -> Target:
    """A target where label `row` becomes `places[row]`, int64 (classes,); what is ignored stays."""
    places = places.to(target.labels.device)
    if isinstance(target, Objects):
        return replace(target, labels=places[target.labels])
    table = torch.full((IGNORE + 1,), IGNORE, dtype=torch.uint8, device=places.device)
    table[: len(places)] = places.to(torch.uint8)
    return replace(target, labels=table[target.labels.long()])


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """The numbers that a data set's own COCO file gives pictures and classes."""

    images: Mapping[str, int]
    """By the name of a picture, see `Objects.picture`."""
    categories: Sequence[int]
    """Of each class, in the order of the classes."""


IGNORE = 255
"""Label of pixels that are neither trained on nor scored."""

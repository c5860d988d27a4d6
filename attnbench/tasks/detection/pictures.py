"""A picture with what is in it and what was found in it, as the scores need it.

All boxes are x, y, width, height in pixels of the original picture, float64: the form in which COCO
defines its scores, so that overlaps agree with it to the last bit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from attnbench.data.targets import Detections, Objects
from attnbench.errors import UserError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Objects and detections of one picture."""

    name: str
    size: tuple[int, int]
    """(height, width)."""
    boxes: Floats
    """Of the objects, (objects, 4)."""
    labels: Integers
    crowd: Flags
    areas: Floats
    found: Floats
    """Boxes of the detections, (detections, 4), the highest score first."""
    found_labels: Integers
    scores: Floats


def picture_of(detections: Detections, objects: Objects) -> Picture:
    """Join what was found with what is there.

    Args:
        detections: in pixels of the original picture, in any order; equal scores keep theirs.
        objects: in pixels of the picture as the model saw it.

    Raises:
        UserError: a box or a score is not finite: evaluators sort such scores anywhere.
    """
    found, scores = _numbers(detections.boxes), _numbers(detections.scores)
    if not (np.isfinite(found).all() and np.isfinite(scores).all()):
        raise UserError(
            f"scores expect finite boxes and scores, got NaN or infinity for picture "
            f"{objects.picture}: the weights of the model are damaged or its training diverged; "
            "train again with a lower --lr"
        )
    order = np.argsort(-scores, kind="stable")
    exact = objects.exact if objects.exact is not None else in_original(objects.boxes, objects)
    return Picture(
        name=objects.picture,
        size=objects.size,
        boxes=_corner_and_size(_numbers(exact)),
        labels=objects.labels.cpu().numpy().astype(np.int64),
        crowd=objects.crowd.cpu().numpy().astype(np.bool_),
        areas=_numbers(objects.areas),
        found=_corner_and_size(found)[order],
        found_labels=detections.labels.cpu().numpy().astype(np.int64)[order],
        scores=scores[order],
    )


def in_original(boxes: Tensor, objects: Objects) -> Tensor:
    """Boxes (boxes, 4) in pixels that the model saw, in pixels of the original picture."""
    if objects.seen is None:
        return boxes
    down, across = (whole / part for whole, part in zip(objects.size, objects.seen, strict=True))
    return boxes * boxes.new_tensor([across, down, across, down])


def in_order(pictures: Iterable[Picture]) -> list[Picture]:
    """Sorted by name, numbers by value: the scores of ties depend on the order of pictures."""
    return sorted(pictures, key=lambda picture: natural(picture.name))


def natural(name: str) -> list[tuple[bool, int, str]]:
    """A key by which "2.jpg" comes before "10.jpg", and both before "a.jpg"."""
    parts = re.findall(r"\d+|\D+", name)
    return [(False, int(part), part) if part.isdecimal() else (True, 0, part) for part in parts]


def overlaps(found: Floats, boxes: Floats, crowd: Flags) -> Floats:
    """IoU of each detection with each object, (detections, objects).

    With a crowd it is the share of the detection that lies inside of it.
    """
    low = np.maximum(found[:, None, :2], boxes[None, :, :2])
    high = np.minimum(
        found[:, None, :2] + found[:, None, 2:], boxes[None, :, :2] + boxes[None, :, 2:]
    )
    sides = np.clip(high - low, 0, None)
    shared = sides[..., 0] * sides[..., 1]
    own = (found[:, 2] * found[:, 3])[:, None]
    whole = np.where(crowd[None], own, own + (boxes[:, 2] * boxes[:, 3])[None] - shared)
    return np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)


def in_classes_of(
    wanted: Sequence[str], known: Sequence[str], pictures: Sequence[Picture]
) -> list[Picture]:
    """Pictures whose detections are labelled as the wanted classes; those of others are left out.

    The objects in them keep their labels.
    """
    if tuple(wanted) == tuple(known):
        return list(pictures)
    place = {name: label for label, name in enumerate(wanted)}
    places = np.array([place.get(name, -1) for name in known], dtype=np.int64)
    changed = []
    for one in pictures:
        labels = places[one.found_labels]
        kept = labels >= 0
        changed.append(
            replace(one, found=one.found[kept], found_labels=labels[kept], scores=one.scores[kept])
        )
    return changed


def _corner_and_size(corners: Floats) -> Floats:
    """x1, y1, x2, y2 as x, y, width, height; a box that is inside out is empty."""
    return np.concatenate(
        [corners[:, :2], np.clip(corners[:, 2:] - corners[:, :2], 0, None)], axis=1
    )


def _numbers(values: Tensor) -> Floats:
    return values.detach().cpu().double().numpy()

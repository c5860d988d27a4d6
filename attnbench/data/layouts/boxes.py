"""Check the boxes of a whole split at once, mend what has one meaning, and make objects of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from attnbench.data.findings import Findings, Kind
from attnbench.data.targets import Objects

Numbers = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

NO_NUMBER = Kind("box with a value that is no finite number", "refused", "correct or delete it")
EMPTY = Kind("box of no width or height", "repaired", "left out")
NEGATIVE = Kind(
    "box whose second corner is before its first", "refused",
    "correct it; are these other numbers than the layout says?",
)  # fmt: skip
OUTSIDE = Kind("box outside its picture", "repaired", "left out")
MANY_OUTSIDE = Kind(
    "box outside its picture, over a twentieth of all", "refused",
    "labels of other pictures or of another size? give matching ones",
)  # fmt: skip
CLIPPED = Kind("box partly outside its picture", "repaired", "cut at the border")
THIN = Kind("box under 1 pixel wide or high", "repaired", "left out")
DUPLICATE = Kind("box that is there twice", "repaired", "kept once")
WITHOUT = Kind("picture without objects", "counted", "kept: nothing is to be found there")

ROUNDING = 0.01
"""Pixels outside of a picture that stem from rounded numbers."""
MOST_OUTSIDE = 0.05
"""A larger part of boxes outside of their pictures is no slip."""
MISFITS = 0.5
"""If a larger part of the boxes does not fit, their numbers mean something else."""
FITS = 0.95
"""The part of the boxes that fit where their numbers are read rightly."""


def _shares(boxes: Numbers, sides: Numbers) -> Numbers:
    return boxes * np.concatenate([sides, sides], axis=1)


def _from_size(boxes: Numbers) -> Numbers:
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def _from_centre(boxes: Numbers) -> Numbers:
    half = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


CORNER_AND_SIZE = "x, y, width, height in pixels"
CORNERS = "x1, y1, x2, y2 in pixels"
CENTRE_SHARES = "centre x, y, width, height as shares of the sides"
FORMS: dict[str, Callable[[Numbers, Numbers], Numbers]] = {
    CORNER_AND_SIZE: lambda boxes, sides: _from_size(boxes),
    CORNERS: lambda boxes, sides: boxes,
    "centre x, y, width, height in pixels": lambda boxes, sides: _from_centre(boxes),
    CENTRE_SHARES: lambda boxes, sides: _from_centre(_shares(boxes, sides)),
    "x1, y1, x2, y2 as shares of the sides": _shares,
    "x, y, width, height as shares of the sides": lambda boxes, sides: _from_size(
        _shares(boxes, sides)
    ),
}
"""What four numbers may mean: from them, and the width and height of the picture of each, to
corners in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """All boxes of a split, as they are written."""

    numbers: Numbers
    """(boxes, 4)."""
    form: str
    """What the layout says that they mean: a key of `FORMS`."""
    labels: Integers
    pictures: Integers
    """Row of the picture of each box."""
    crowd: Flags
    areas: Numbers
    """Pixels covered; NaN for those of the box."""
    where: Callable[[int], str]
    """The place of a box in the files, for examples."""


class Row(NamedTuple):
    """One box, as it is written; see `Boxes`."""

    numbers: Sequence[float]
    label: int
    picture: int
    crowd: bool
    area: float
    place: str


def boxes_of(rows: Sequence[Row], form: str) -> Boxes:
    """Boxes from one row each."""
    numbers, labels, pictures, crowd, areas, places = zip(*rows, strict=True) if rows else [()] * 6
    return Boxes(
        numbers=np.array(numbers, np.float64).reshape(-1, 4),
        form=form,
        labels=np.array(labels, np.int64),
        pictures=np.array(pictures, np.int64),
        crowd=np.array(crowd, np.bool_),
        areas=np.array(areas, np.float64),
        where=lambda row: str(places[row]),
    )


def objects_in(
    boxes: Boxes, names: Sequence[str], sizes: Sequence[tuple[int, int]], findings: Findings
) -> list[Objects]:
    """The objects of each picture; what is wrong with boxes is added to the findings.

    Args:
        boxes: of these pictures.
        names: of the pictures.
        sizes: (height, width) of each; (0, 0) where it is unknown: its boxes are not checked.
        findings: takes what was found.
    """
    extents = np.array(sizes, np.float64).reshape(-1, 2)[:, ::-1]
    sides = extents[boxes.pictures]
    corners = FORMS[boxes.form](boxes.numbers, sides)
    kept = _all(sides > 0) & _finite(boxes, findings)
    if _other_form(boxes, corners, sides, kept, findings):
        kept[:] = False
    corners, kept = _mended(boxes, corners, sides, kept, findings)
    kept = _once(boxes, corners, kept, findings)
    objects = _grouped(boxes, corners, kept, names, sizes)
    for one in objects:
        if not len(one.labels):
            findings.add_name(WITHOUT, one.picture)
    return objects


def _finite(boxes: Boxes, findings: Findings) -> Flags:
    finite = _all(np.isfinite(boxes.numbers))
    _add(findings, NO_NUMBER, ~finite, boxes)
    return finite


def _other_form(
    boxes: Boxes, corners: Numbers, sides: Numbers, known: Flags, findings: Findings
) -> bool:
    """Whether the numbers surely mean something else than the layout says."""
    if not known.any() or _fitting(corners, sides, known) >= 1 - MISFITS:
        return False
    fitting = [
        form
        for form, read in FORMS.items()
        if form != boxes.form and _fitting(read(boxes.numbers, sides), sides, known) >= FITS
    ]
    likely = f"they fit as {' or '.join(fitting)}" if fitting else "no known form fits"
    kind = Kind(
        f"box that does not fit its picture as {boxes.form}, over half of all", "refused",
        f"{likely}; convert them, or check the sizes of the pictures",
    )  # fmt: skip
    _add(findings, kind, known & ~_fits(corners, sides), boxes)
    return True


def _fits(corners: Numbers, sides: Numbers) -> Flags:
    """Whether a box is inside its picture, with a pixel to spare, and large enough to be seen."""
    inside = _all(corners[:, :2] >= -1) & _all(corners[:, 2:] <= sides + 1)
    extents = corners[:, 2:] - corners[:, :2]
    # Boxes of no width are a fault of their own; they say nothing about what the numbers mean.
    return inside & _all((extents >= 1) | (extents == 0))


def _fitting(corners: Numbers, sides: Numbers, known: Flags) -> float:
    return float(_fits(corners, sides)[known].mean())


def _mended(
    boxes: Boxes, corners: Numbers, sides: Numbers, kept: Flags, findings: Findings
) -> tuple[Numbers, Flags]:
    """Corners within their pictures, and which boxes are left."""
    extents = corners[:, 2:] - corners[:, :2]
    kept = _without(findings, NEGATIVE, kept, _any(extents < 0), boxes)
    kept = _without(findings, EMPTY, kept, _any(extents == 0), boxes)
    away = _any((corners[:, 2:] <= 0) | (corners[:, :2] >= sides))
    many = kept.any() and away[kept].mean() > MOST_OUTSIDE
    kept = _without(findings, MANY_OUTSIDE if many else OUTSIDE, kept, away, boxes)
    low, high = np.zeros(4), np.concatenate([sides, sides], axis=1)
    inside = np.clip(corners, low, high)
    cut = _any(np.abs(inside - corners) > ROUNDING)
    thin = _any((inside[:, 2:] - inside[:, :2]) < 1 - ROUNDING)
    kept = _without(findings, THIN, kept, thin, boxes)
    _add(findings, CLIPPED, kept & cut, boxes)
    return inside, kept


def _once(boxes: Boxes, corners: Numbers, kept: Flags, findings: Findings) -> Flags:
    """Boxes without those that equal an earlier one in all that is kept of them."""
    rows = np.flatnonzero(kept)
    whole = np.column_stack([boxes.pictures, boxes.labels, boxes.crowd, corners])[rows]
    _, first = np.unique(whole, axis=0, return_index=True)
    again = np.zeros_like(kept)
    again[rows] = True
    again[rows[first]] = False
    return _without(findings, DUPLICATE, kept, again, boxes)


def _without(findings: Findings, kind: Kind, kept: Flags, wrong: Flags, boxes: Boxes) -> Flags:
    """Those kept that are not wrong; the others are counted."""
    _add(findings, kind, kept & wrong, boxes)
    return kept & ~wrong


def _all(flags: Flags) -> Flags:
    """Whether all of a row hold, (rows,)."""
    return np.asarray(flags.all(axis=1), np.bool_)


def _any(flags: Flags) -> Flags:
    """Whether one of a row holds, (rows,)."""
    return np.asarray(flags.any(axis=1), np.bool_)


def _add(findings: Findings, kind: Kind, rows: Flags, boxes: Boxes) -> None:
    for row in np.flatnonzero(rows).tolist():
        findings.add_name(kind, boxes.where(row))


def _grouped(
    boxes: Boxes,
    corners: Numbers,
    kept: Flags,
    names: Sequence[str],
    sizes: Sequence[tuple[int, int]],
) -> list[Objects]:
    rows = np.flatnonzero(kept)
    rows = rows[np.argsort(boxes.pictures[rows], kind="stable")]
    ends = np.searchsorted(boxes.pictures[rows], np.arange(1, len(names)))
    extents = corners[:, 2:] - corners[:, :2]
    areas = np.where(np.isnan(boxes.areas), extents.prod(axis=1), boxes.areas)
    return (
        [
            Objects(
                picture=name,
                size=size,
                boxes=torch.from_numpy(corners[own].astype(np.float32)),
                labels=torch.from_numpy(boxes.labels[own]),
                crowd=torch.from_numpy(boxes.crowd[own]),
                areas=torch.from_numpy(areas[own].astype(np.float32)),
            )
            for name, size, own in zip(names, sizes, np.split(rows, ends), strict=True)
        ]
        if names
        else []
    )

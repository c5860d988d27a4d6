"""What a model did on each held-out image: as little as its scores can be computed from.

| kind    | array        | shape             | what                                            |
|---------|--------------|-------------------|-------------------------------------------------|
| classes | `truth`      | (images,)         | class of each image                             |
|         | `found`      | (images,)         | class with the highest score                    |
|         | `confidence` | (images,)         | its probability                                 |
| boxes   | `scores`     | (detections,)     | class by class, the highest first               |
|         | `pictures`   | (detections,)     | place of the image among the images             |
|         | `labels`     | (detections,)     | class                                           |
|         | `right`      | (detections,)     | bit i: it finds an object at IoU 0.5 + 0.05 i   |
|         | `wrong`      | (detections,)     | bit i: it finds none, and lies in no crowd      |
|         | `objects`    | (images, classes) | objects of each class, crowds apart             |
| pixels  | `pixels`     | (images, classes, 3) | right, of the class, found to be of the class |
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from attnbench.scoring.precision import THRESHOLDS, Flags, Matches

Kind = Literal["classes", "boxes", "pixels"]
_EACH, _FOUND = ("images",), ("detections",)
LAYOUT: Mapping[str, Mapping[str, tuple[str, tuple[Any, ...]]]] = {
    "classes": {"truth": ("int32", _EACH), "found": ("int32", _EACH),
                "confidence": ("float16", _EACH)},
    "boxes": {"scores": ("float32", _FOUND), "pictures": ("int32", _FOUND),
              "labels": ("int32", _FOUND), "right": ("uint16", _FOUND),
              "wrong": ("uint16", _FOUND), "objects": ("int32", ("images", "classes"))},
    "pixels": {"pixels": ("int64", ("images", "classes", 3))},
}  # fmt: skip
"""The type and the axes of each array, by kind; axes of one name have one length."""
_TRUTH = {"classes": "truth", "boxes": "objects"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcomes:
    """The outcome of each image of an evaluation.

    Raises:
        ValueError: the arrays are not those of the kind.
    """

    kind: Kind
    images: tuple[str, ...]
    """Their names, in the order of the set."""
    arrays: Mapping[str, NDArray[Any]]

    def __post_init__(self) -> None:
        layout = LAYOUT.get(self.kind)
        if layout is None or set(layout) != set(self.arrays):
            raise ValueError(f"outcomes of kind {self.kind} with arrays {sorted(self.arrays)}")
        lengths: dict[Any, int] = {"images": len(self.images), 3: 3}
        for name, (dtype, axes) in layout.items():
            array = self.arrays[name]
            fits = array.dtype == dtype and array.ndim == len(axes)
            if not fits or any(
                lengths.setdefault(axis, length) != length
                for axis, length in zip(axes, array.shape, strict=True)
            ):
                raise ValueError(f"outcomes of kind {self.kind}: {name} has another shape or type")
        if self.kind == "boxes" and not self._pictures_exist():
            raise ValueError("outcomes of kind boxes: detections in pictures that are not there")

    def _pictures_exist(self) -> bool:
        places = self.arrays["pictures"]
        return not len(places) or (places.min() >= 0 and places.max() < len(self.images))

    @property
    def samples_sha256(self) -> str:
        """Hash of the names of the images in their order, and of what is true of them.

        Outcomes with equal hashes can be compared image by image.
        """
        digest = hashlib.sha256("\n".join((self.kind, *self.images)).encode())
        truth = np.ascontiguousarray(self._truth)
        digest.update(repr(truth.shape).encode() + truth.tobytes())
        return digest.hexdigest()

    @property
    def _truth(self) -> NDArray[Any]:
        if self.kind == "pixels":
            return self.arrays["pixels"][:, :, 1]
        return self.arrays[_TRUTH[self.kind]]


def of_matches(images: tuple[str, ...], classes: list[Matches]) -> Outcomes:
    """The outcomes of kind "boxes" from the matches of each class."""

    def joined(dtype: str, values: list[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate([np.empty(0), *values]).astype(dtype)

    arrays = {
        "scores": joined("float32", [one.scores for one in classes]),
        "pictures": joined("int32", [one.pictures for one in classes]),
        "labels": joined("int32", [np.full(len(m.scores), at) for at, m in enumerate(classes)]),
        "right": joined("uint16", [_bits(one.right) for one in classes]),
        "wrong": joined("uint16", [_bits(one.wrong) for one in classes]),
        "objects": np.stack([one.objects for one in classes], axis=1).astype("int32"),
    }
    return Outcomes(kind="boxes", images=images, arrays=arrays)


def matches_of(outcomes: Outcomes) -> list[Matches]:
    """The matches of each class from the outcomes of kind "boxes"."""
    arrays = outcomes.arrays
    found = []
    for label in range(arrays["objects"].shape[1]):
        mine = arrays["labels"] == label
        found.append(
            Matches(
                scores=arrays["scores"][mine].astype(np.float64),
                pictures=arrays["pictures"][mine].astype(np.int64),
                right=_flags(arrays["right"][mine]),
                wrong=_flags(arrays["wrong"][mine]),
                objects=arrays["objects"][:, label].astype(np.int64),
            )
        )
    return found


def _bits(flags: Flags) -> NDArray[Any]:
    """(10, detections) as one number for each detection."""
    return (flags * (1 << np.arange(len(THRESHOLDS)))[:, None]).sum(axis=0)


def _flags(bits: NDArray[Any]) -> Flags:
    return (bits[None].astype(np.int64) >> np.arange(len(THRESHOLDS))[:, None]) & 1 == 1

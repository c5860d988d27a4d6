"""torchvision's sets of classified pictures by their names, such as `torchvision:CIFAR100`.

`torchvision:NAME:FOLDER` says where its files are; what is missing is downloaded there.
https://docs.pytorch.org/vision/stable/datasets.html
"""

from __future__ import annotations

import inspect
import io
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from attnbench.data.decoding import OnProgress
from attnbench.data.findings import Findings
from attnbench.data.names import readable
from attnbench.data.readers.content import Content, Named
from attnbench.errors import UserError
from attnbench.visible import one_line

PREFIX = "torchvision:"
FOLDER = "data"
LONGEST_ECHO, LONGEST_REASON = 80, 300
"""Characters of a name, and of a reason, that a message repeats."""

SETS = (
    "Caltech101", "Caltech256", "CIFAR10", "CIFAR100", "Country211", "DTD", "EuroSAT", "FakeData",
    "FashionMNIST", "FER2013", "FGVCAircraft", "Flowers102", "Food101", "GTSRB", "ImageNet",
    "Imagenette", "KMNIST", "MNIST", "OxfordIIITPet", "PCAM", "QMNIST", "RenderedSST2", "SEMEION",
    "StanfordCars", "STL10", "SUN397", "SVHN", "USPS",
)  # fmt: skip
"""Those of pictures of classes that need no options but a folder and a part."""
NO_PHOTOGRAPHS = frozenset({
    "FakeData", "GTSRB", "KMNIST", "MNIST", "QMNIST", "RenderedSST2", "SEMEION",
    "SVHN", "USPS",
})  # fmt: skip
"""Signs and noise: a mirrored picture may be of another class."""
SPELLINGS = {"train": ("train", "trainval"), "val": ("val", "valid"), "test": ("test",)}
"""Values of the option `split`, the first that a set takes."""
LABELS = ("targets", "labels", "_labels", "y", "_samples")
"""Where sets keep the numbers of the classes, if they can be had without decoding."""
PNG_MODES = ("1", "L", "LA", "I;16", "P", "RGB", "RGBA")


@dataclass(frozen=True, slots=True)
class Item:
    """A picture of a set; see `Stored`."""

    pictures: Any
    """A data set of torchvision."""
    row: int
    name: str

    def __str__(self) -> str:
        return self.name

    def open(self) -> BinaryIO:
        """See `Stored.open`. Sets give decoded pictures, which are not compressed again."""
        image: Image.Image = self.pictures[self.row][0]
        content = io.BytesIO()
        image = image if image.mode in PNG_MODES else image.convert("RGB")
        image.save(content, "PNG", compress_level=0)
        content.seek(0)
        return content


@dataclass(frozen=True)
class TorchVision:
    """A data set of torchvision; see `Reader`."""

    place: str

    @property
    def name(self) -> str:
        """See `Reader.name`."""
        return readable(self._name_and_folder[0].lower())

    @property
    def text(self) -> str:
        """See `Reader.text`."""
        name, folder = self._name_and_folder
        return f"torchvision's {readable(name)} in {readable(folder)}"

    @property
    def splits(self) -> Sequence[str]:
        """See `Reader.splits`."""
        return tuple(self._sets)

    @property
    def _name_and_folder(self) -> tuple[str, str]:
        name, _, folder = self.place.removeprefix(PREFIX).partition(":")
        return name, os.path.expanduser(folder or FOLDER)

    def read(
        self, splits: Sequence[str], findings: Findings, on_progress: OnProgress | None = None
    ) -> Content:
        """See `Reader.read`."""
        first = self._sets[splits[0]]
        names = [_class_name(one) for one in getattr(first, "classes", ())]
        content = {}
        for split in splits:
            pictures = self._sets[split]
            content[split] = [
                Named(Item(pictures, row, f"{split}/{row}"), _name_of(label, names))
                for row, label in enumerate(_labels(pictures, on_progress))
            ]
        is_photograph = self._name_and_folder[0] not in NO_PHOTOGRAPHS
        return Content(splits=content, class_names=names, photographs=is_photograph)

    @cached_property
    def _sets(self) -> Mapping[str, Any]:
        """The set of each split.

        Raises:
            UserError: torchvision cannot open it.
        """
        name, folder = self._name_and_folder
        try:
            return _parts(name, folder)
        except Exception as error:  # reading and downloading may raise anything
            raise UserError(
                f"--data {readable(self.place)[:LONGEST_ECHO]}: torchvision cannot open it "
                f"({one_line(str(error))[:LONGEST_REASON]}); put its files into "
                f"{readable(folder)}, or name their folder, {PREFIX}{name}:FOLDER"
            ) from error


def _parts(name: str, folder: str) -> dict[str, Any]:
    """The set of each split; that of a set without parts is "train"."""
    from torchvision import datasets

    kind = getattr(datasets, name)
    options = inspect.signature(kind).parameters
    given: dict[str, Any] = {"root": folder} if "root" in options else {}
    with warnings.catch_warnings():
        # Some files are pickles of an old NumPy; new versions warn at every array.
        warnings.filterwarnings("ignore", message=".*align should be passed")
        if "train" in options:
            parts = {"train": True, "val": False}
            return {split: _made(kind, given, train=part) for split, part in parts.items()}
        if "split" in options:
            return _by_split(kind, given)
        pictures = _made(kind, given)
    # Fake pictures are drawn from the generators that all code shares, so once and for all here.
    return {"train": pictures if given else [pictures[row] for row in range(len(pictures))]}


def _by_split(kind: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for split, spellings in SPELLINGS.items():
        for spelling in spellings:
            try:
                found[split] = _made(kind, given, split=spelling)
                break
            except ValueError:  # it has no such part
                continue
    return found


def _made(kind: Any, given: Mapping[str, Any], **part: Any) -> Any:
    """A set from the files that are there, or else downloaded: some refuse to do that twice."""
    try:
        return kind(**given, **part)
    except (RuntimeError, OSError):
        if "download" not in inspect.signature(kind).parameters:
            raise
        return kind(**given, **part, download=True)


def _labels(pictures: Any, on_progress: OnProgress | None) -> list[int]:
    """The number of each picture's class; of some sets they are known by decoding alone."""
    for name in LABELS:
        found = getattr(pictures, name, ())
        if name == "_samples":
            found = [label for _, label in found]
        if len(found) == len(pictures) and np.ndim(found) == 1:
            return [int(label) for label in found]
    labels = []
    for row in range(len(pictures)):
        labels.append(int(pictures[row][1]))
        if on_progress:
            on_progress(row + 1, len(pictures))
    return labels


def _class_name(name: Any) -> str:
    """ImageNet has several names for a class."""
    return readable(name if isinstance(name, str) else ", ".join(map(str, name)))


def _name_of(label: int, names: Sequence[str]) -> str:
    return names[label] if names else str(label)


def find(data: str) -> TorchVision | None:
    """The data set that `data` stands for; None if it is of another kind.

    Raises:
        UserError: torchvision has no such set of pictures of classes.
    """
    if not data.startswith(PREFIX):
        return None
    name, colon, folder = data.removeprefix(PREFIX).partition(":")
    known = {one.lower(): one for one in SETS}
    if name.lower() not in known:
        raise UserError(
            f"--data {readable(data)[:LONGEST_ECHO]}: expected one of {', '.join(SETS)}, got "
            f"{readable(name)[:LONGEST_ECHO] or 'nothing'}; correct it"
        )
    return TorchVision(f"{PREFIX}{known[name.lower()]}{colon}{folder}")

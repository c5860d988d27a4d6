"""What a data set holds: classes, counts, sizes, modes, findings, and samples to look at.

One description for every layout: what a class counts (images, objects) and how its samples are
drawn is said by the layout.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from attnbench.data.class_folders import LAYOUT, look_in
from attnbench.data.classified import Classified
from attnbench.data.decoding import OnProgress, open_rgb
from attnbench.data.findings import Finding, Findings
from attnbench.data.headers import Header
from attnbench.data.images import ImageData, ImageSet
from attnbench.data.layouts.found import Reading
from attnbench.data.layouts.looking import layout_of
from attnbench.data.names import readable
from attnbench.data.opening import classes_in, find_folder, open_data
from attnbench.data.readers.opening import look_into
from attnbench.registry import DATASETS

Colour = tuple[int, int, int]

Samples = Callable[[Sequence[str], int], Mapping[str, Sequence[Image.Image]]]
"""Called with names of classes and a number of pictures of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """How boxes or masks are drawn."""

    names: Sequence[str]
    """Of the classes."""
    legend: Sequence[tuple[str, Colour]]
    """What is drawn, and its colour: the classes, and pixels of none."""
    samples: Callable[[int, int], Sequence[tuple[str, Image.Image]]]
    """Called with a number of pictures and their longer side in pixels: names and pictures with
    their labels drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a data set holds."""

    name: str
    layout: str
    """How the files are arranged, or where the set comes from."""
    images: Mapping[str, int]
    """Number of images of each split."""
    classes: Mapping[str, Mapping[str, int]]
    """By class: what it counts in each split; see `counted`."""
    counted: str = "images"
    sizes: Mapping[tuple[int, int], int]
    """Number of images of each (width, height) in pixels."""
    modes: Mapping[str, int]
    """Number of images of each mode, by Pillow's names."""
    findings: tuple[Finding, ...]
    samples: Samples
    """Pictures of some classes as a model sees them, before they are cropped."""
    labels: Labels | None = None
    """Of pictures with boxes or masks, which are drawn in place of `samples`."""


def inspect_data(
    data: str,
    task: str | None = None,
    *,
    settings: Reading | None = None,
    on_progress: OnProgress | None = None,
) -> Inspection:
    """Look at a data set; of a folder the headers of its files are read.

    Args:
        data: a registered name, a folder in a known layout, or shards; see `open_data`.
        task: the only one whose labels are looked for; None for any.
        settings: how the files of a folder are read.
        on_progress: called with (images done, images in all).

    Raises:
        UserError: there is no such data set, or the folder has another layout.
    """
    from attnbench.data.inspect_labels import inspect_labelled, inspect_layout

    settings = settings or Reading()
    if data in DATASETS.names():
        opened = open_data(data, task=task, on_progress=on_progress)
        if opened.task == "classification":
            return _inspect_opened(opened)
        return inspect_labelled(opened)
    reader = classes_in(data, task)
    if reader is not None:
        seen, findings = look_into(reader, settings, on_progress)
        return _inspect_classified(seen, reader.name, reader.text, findings)
    folder, name = find_folder(data)
    layout = layout_of(folder, name, task)
    if layout is None:
        return _inspect_class_folders(folder, settings, on_progress)
    return inspect_layout(folder, layout, settings, on_progress)


def _inspect_class_folders(
    folder: Path, settings: Reading, on_progress: OnProgress | None
) -> Inspection:
    findings = Findings(folder, strict=settings.strict, skip_broken=settings.skip_broken)
    found = look_in(folder, findings, on_progress=on_progress)
    return _inspect_classified(found, readable(folder.resolve().name), LAYOUT, findings)


def _inspect_classified(
    found: Classified, name: str, layout: str, findings: Findings
) -> Inspection:
    """Pictures of classes whose headers were read."""
    counts = {
        split: Counter(label for _, label in pictures) for split, pictures in found.splits.items()
    }
    headers = [header for pictures in found.splits.values() for header, _ in pictures]
    known = [header for header in headers if header.mode]
    return Inspection(
        name=name,
        layout=layout,
        images={split: len(pictures) for split, pictures in found.splits.items()},
        classes={
            name: {split: own[label] for split, own in counts.items()}
            for label, name in enumerate(found.class_names)
        },
        sizes=Counter(header.size for header in known),
        modes=Counter(header.mode for header in known),
        findings=findings.all(),
        samples=lambda names, count: {
            name: _decoded(found.of_class("train", name), count) for name in names
        },
    )


def _decoded(headers: Iterable[Header], count: int) -> list[Image.Image]:
    """Pictures that decode, evenly spread: neighbours are often shots of one scene."""
    usable = [one for one in headers if all(kind.outcome != "refused" for kind in one.kinds)]
    count = min(count, len(usable))
    return [open_rgb(usable[row * len(usable) // count].path) for row in range(count)]


def _inspect_opened(data: ImageData) -> Inspection:
    """A set that is read by its own code: its images are squares of one size."""
    labels = {"train": _labels(data.train), "val": _labels(data.val)}
    counts = {
        split: torch.bincount(one, minlength=data.num_classes).tolist()
        for split, one in labels.items()
    }
    total = len(data.train) + len(data.val)
    return Inspection(
        name=data.name,
        layout=DATASETS.find(data.name).summary,
        images={"train": len(data.train), "val": len(data.val)},
        classes={
            name: {split: by[row] for split, by in counts.items()}
            for row, name in enumerate(data.class_names)
        },
        sizes={data.img_size[::-1]: total},
        modes={"RGB": total},
        findings=data.findings,
        samples=lambda names, count: _first_of(data, names, count),
    )


def _labels(images: ImageSet) -> Tensor:
    batches = images.batches(1024, seed=None, device="cpu")
    return torch.cat([labels for _, labels in batches])


def _first_of(
    data: ImageData, names: Sequence[str], count: int
) -> Mapping[str, Sequence[Image.Image]]:
    found: dict[str, list[Image.Image]] = {name: [] for name in names}
    for pixels, labels in data.train.batches(256, seed=None, device="cpu"):
        for image, label in zip(pixels, labels.tolist(), strict=True):
            row = found.get(data.class_names[label])
            if row is not None and len(row) < count:
                row.append(F.to_pil_image(image))
        if all(len(row) == count for row in found.values()):
            break
    return found

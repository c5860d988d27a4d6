"""Look at data with boxes or masks: what its classes count, and samples with their labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import torch
from PIL import Image
from torchvision.transforms.v2 import functional as F

from attnbench.data.decoding import OnProgress, open_rgb
from attnbench.data.drawing import IGNORED, class_colours, drawn
from attnbench.data.findings import Findings, Kind
from attnbench.data.images import ImageData, ImageSet
from attnbench.data.inspection import Inspection, Labels
from attnbench.data.labelled_folder import chosen_splits
from attnbench.data.layouts.found import Found, Labelled, Layout, Reading
from attnbench.data.layouts.mask_files import read_labels
from attnbench.data.names import readable
from attnbench.data.targets import IGNORE, LabelMap, Objects, Target
from attnbench.errors import UserError
from attnbench.registry import DATASETS

COUNTED = {"detection": "boxes", "segmentation": "pixels"}
IGNORED_ROW = "(ignored)"
NO_SPLIT = Kind("part of the data set that is missing", "refused", "name the parts train and val")


def inspect_layout(
    folder: Path, layout: Layout, settings: Reading, on_progress: OnProgress | None
) -> Inspection:
    """A folder with labels: all its splits.

    Raises:
        UserError: the labels cannot be read at all.
    """
    findings = Findings(folder, strict=settings.strict, skip_broken=settings.skip_broken)
    try:
        chosen_splits(folder, layout, findings)
    except UserError:
        if not layout.splits:
            raise
        findings.add_name(NO_SPLIT, f"there is {', '.join(layout.splits) or 'none'}")
    found = layout.read(layout.splits, findings, settings, on_progress)
    classes = _classes(found)
    pictures = [one for split in found.splits.values() for one in split]
    known = [one for one in pictures if one.header.mode]
    return Inspection(
        name=readable(folder.resolve().name),
        layout=layout.text,
        images={split: len(own) for split, own in found.splits.items()},
        classes=classes,
        counted=COUNTED[layout.task],
        sizes=Counter(one.size[::-1] for one in known),
        modes=Counter(one.header.mode for one in known),
        findings=findings.all(),
        samples=lambda names, count: {},
        labels=_labels(
            found.class_names, classes, lambda count, side: _samples(found, count, side)
        ),
    )


def inspect_labelled(data: ImageData) -> Inspection:
    """A set with labels that is read by its own code."""
    sets = {"train": data.train, "val": data.val}
    counts = {split: _counts(images, data) for split, images in sets.items()}
    names = [*data.class_names, IGNORED_ROW] if counts["train"][-1] else list(data.class_names)
    classes = {
        name: {split: counts[split][row] for split in sets} for row, name in enumerate(names)
    }
    total = len(data.train) + len(data.val)
    return Inspection(
        name=data.name,
        layout=DATASETS.find(data.name).summary,
        images={split: len(images) for split, images in sets.items()},
        classes=classes,
        counted=COUNTED[data.task],
        sizes={data.img_size[::-1]: total},
        modes={"RGB": total},
        findings=data.findings,
        samples=lambda names, count: {},
        labels=_labels(data.class_names, classes, lambda count, side: _first(data, count, side)),
    )


def _labels(
    names: Sequence[str],
    classes: Iterable[str],
    samples: Callable[[int, int], Sequence[tuple[str, Image.Image]]],
) -> Labels:
    legend = list(zip(names, class_colours(len(names)), strict=True))
    if IGNORED_ROW in classes:
        legend.append((IGNORED_ROW, IGNORED))
    return Labels(names=names, legend=legend, samples=samples)


def _classes(found: Found) -> Mapping[str, Mapping[str, int]]:
    """What each class counts, by split; at last the pixels that are ignored, if there are any."""
    names = list(found.class_names)
    if found.pixels is None:
        counts = {
            split: _boxes([one.objects for one in own if one.objects], len(names))
            for split, own in found.splits.items()
        }
    else:
        counts = {split: list(own) for split, own in found.pixels.items()}
        if any(own[-1] for own in counts.values()):
            names.append(IGNORED_ROW)
    return {
        name: {split: own[row] for split, own in counts.items()} for row, name in enumerate(names)
    }


def _boxes(objects: Sequence[Objects], num_classes: int) -> list[int]:
    labels = torch.cat([torch.empty(0, dtype=torch.int64), *(one.labels for one in objects)])
    return [*torch.bincount(labels, minlength=num_classes).tolist(), 0]


def _counts(images: ImageSet, data: ImageData) -> list[int]:
    """Boxes or pixels of each class, and at last those that are ignored."""
    targets: list[Target] = [
        target for _, batch in images.batches(256, seed=None, device="cpu") for target in batch
    ]
    objects = [one for one in targets if isinstance(one, Objects)]
    if objects:
        return _boxes(objects, data.num_classes)
    counts = torch.zeros(IGNORE + 1, dtype=torch.int64)
    for one in targets:
        counts += torch.bincount(one.labels.flatten().long(), minlength=IGNORE + 1)
    return [*counts[: data.num_classes].tolist(), int(counts[IGNORE])]


def _samples(found: Found, count: int, side: int) -> list[tuple[str, Image.Image]]:
    """Training pictures that decode, evenly spread, with their labels."""
    pictures = next((own for own in found.splits.values() if own), ())
    usable = [
        one for one in pictures if all(kind.outcome != "refused" for kind in one.header.kinds)
    ]
    count = min(count, len(usable))
    chosen = [usable[row * len(usable) // count] for row in range(count)]
    return [
        (one.name, drawn(_picture(one), _target(one, found), found.class_names, side))
        for one in chosen
    ]


def _picture(one: Labelled) -> Image.Image:
    return open_rgb(one.header.path, upright=one.upright)


def _target(one: Labelled, found: Found) -> Target:
    if one.objects is not None:
        return one.objects
    assert one.mask is not None
    assert found.masks is not None
    labels = read_labels(one.mask, found.masks.values, found.masks.colours)
    return LabelMap(picture=one.name, labels=labels)


def _first(data: ImageData, count: int, side: int) -> list[tuple[str, Image.Image]]:
    pixels, targets = next(iter(data.train.batches(count, seed=None, device="cpu")))
    return [
        (target.picture, drawn(F.to_pil_image(image), target, data.class_names, side))
        for image, target in zip(pixels, targets, strict=True)
    ]

"""Find the layout of a folder by looking into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from attnbench.data.layouts import coco, masks, voc, yolo
from attnbench.data.layouts.found import Layout
from attnbench.data.names import readable, some
from attnbench.errors import UserError

CLASSES = "classes"
"""The name of "folders of classes", which are what is left if no other layout is found."""
LAYOUTS: Mapping[str, Callable[[Path], Layout | None]] = {
    "coco": coco.find,
    "yolo": yolo.find,
    "voc": voc.find,
    "masks": masks.find,
}
"""By the name that a user gives before a folder, such as "coco:photos"."""


KNOWN = (
    "COCO (annotations/instances_train.json, …), YOLO (images/train, labels/train, data.yaml), "
    "Pascal VOC (Annotations, ImageSets/Main), or images with masks (train/images, train/masks)"
)


def layout_of(folder: Path, name: str | None = None, task: str | None = None) -> Layout | None:
    """The layout of a folder; None for folders of classes.

    Args:
        folder: to look into.
        name: the only layout to look for; None for all.
        task: the only task whose labels are looked for; None for all.

    Raises:
        UserError: there is no such layout, or there are several.
    """
    if name == CLASSES or task == "classification":
        return None
    wanted = LAYOUTS if name is None else {name: LAYOUTS[name]}
    every = {key: layout for key, find in wanted.items() if (layout := find(folder)) is not None}
    found = {key: one for key, one in every.items() if task in (None, one.task)}
    shown = readable(str(folder))
    if len(found) > 1:
        candidates = "; ".join(one.text for one in found.values())
        raise UserError(
            f"{shown}: expected labels in one layout, got {len(found)} ({candidates}); choose one "
            f"with --data {next(iter(found))}:{shown}"
        )
    if not found and (name or task):
        wanted_text = f"labels for {task}" if task else f"the layout {name}"
        got = some([one.text for one in every.values()])
        raise UserError(
            f"{shown}: expected {wanted_text}, got {got}; choose another folder, or leave the "
            "layout and the task to be found"
        )
    if not found and not any((folder / split).is_dir() for split in ("train", "val")):
        raise UserError(
            f"{shown}: expected the folders train/ and val/ in it, each with one folder of images "
            f"for each class, or {KNOWN}; got none of them"
        )
    return next(iter(found.values()), None)

"""COCO's result files: a list of image_id, category_id, bbox (x, y, width, height) and score.

Everybody's tools write them. Ours also carry `file_name` and `category_name`, which say without any
other file what the numbers mean.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from attnbench.bounds import shortened
from attnbench.data.names import some
from attnbench.data.targets import Detections, Numbers, Objects
from attnbench.errors import UserError
from attnbench.files.reading import shown
from attnbench.files.writing import replace_text
from attnbench.tasks.detection.entries import Entry
from attnbench.tasks.detection.numbering import labels_by_number, names_by_alias, numbers_of
from attnbench.tasks.detection.pictures import Picture

CHOOSE = "a result file belongs to one data set: choose it with --data"


def write_results(
    path: Path,
    pictures: Sequence[Picture],
    class_names: Sequence[str],
    ids: Numbers | None = None,
) -> None:
    """Write what was found; nothing is rounded.

    Args:
        path: of the file.
        pictures: of a metric.
        class_names: in the order of the labels.
        ids: of the data set; without them see `numbers_of`, and classes count from 1.

    Raises:
        OSError: the file cannot be written.
    """
    images = ids.images if ids else numbers_of([picture.name for picture in pictures])
    categories = ids.categories if ids else range(1, len(class_names) + 1)
    entries = [
        {
            "image_id": images[picture.name],
            "category_id": categories[label],
            "bbox": box,
            "score": score,
            "file_name": picture.name,
            "category_name": class_names[label],
        }
        for picture in pictures
        for box, label, score in zip(
            picture.found.tolist(), picture.found_labels.tolist(), picture.scores.tolist(),
            strict=True,
        )
    ]  # fmt: skip
    replace_text(path, json.dumps(entries))


def detections_of(
    path: Path,
    entries: Sequence[Entry],
    targets: Sequence[Objects],
    class_names: Sequence[str],
    ids: Numbers | None = None,
) -> tuple[list[Detections], tuple[str, ...]]:
    """What anybody's result file has found in the pictures of a data set.

    Args:
        path: of the file, for messages.
        entries: what is in it.
        targets: the pictures that are scored.
        class_names: in the order of the labels.
        ids: of the data set; without them pictures are known by their file names, with or without
            folder and suffix, and classes by their names or by numbers from 0 or from 1.

    Returns:
        The detections of each target, in pixels of the original picture, and notes for the user.

    Raises:
        UserError: the file has unknown pictures or classes.
    """
    place = {one.picture: index for index, one in enumerate(targets)}
    name_of, label_of = _pictures(list(place), ids), _labels(path, entries, class_names, ids)
    grouped: list[list[tuple[Entry, int]]] = [[] for _ in targets]
    for number, entry in enumerate(entries):
        name = name_of(entry)
        if name is None:
            raise UserError(
                f"{shown(path)}: entry {number} expected a picture of the data set, got image_id "
                f"{shortened(entry.image_id)}, which it does not have; {CHOOSE}"
            )
        grouped[place[name]].append((entry, label_of(entry)))
    without = [one.picture for one, group in zip(targets, grouped, strict=True) if not group]
    note = (
        f"{len(without):,} of {len(targets):,} pictures have no entry in {path.name}: they count "
        f"as pictures where nothing was found ({some(without)})"
    )
    return [_detections(group) for group in grouped], (note,) if without else ()


def _detections(group: Sequence[tuple[Entry, int]]) -> Detections:
    ordered = sorted(group, key=lambda pair: -pair[0].score)  # stable: ties keep their order
    boxes = torch.tensor([entry.bbox for entry, _ in ordered], dtype=torch.float64).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return Detections(
        boxes=boxes,
        scores=torch.tensor([entry.score for entry, _ in ordered], dtype=torch.float64),
        labels=torch.tensor([label for _, label in ordered], dtype=torch.int64),
    )


def _pictures(names: Sequence[str], ids: Numbers | None) -> Callable[[Entry], str | None]:
    """The name of an entry's picture, None if there is no such picture."""
    if ids:
        by_number: dict[int | str, str] = {ids.images[name]: name for name in names}
        return lambda entry: by_number.get(entry.image_id)
    known = names_by_alias(names)
    return lambda entry: known.get(entry.file_name or entry.image_id)


def _labels(
    path: Path, entries: Sequence[Entry], class_names: Sequence[str], ids: Numbers | None
) -> Callable[[Entry], int]:
    """The label of an entry: by the data set's numbers, else by name, else by plain numbers.

    Raises:
        UserError: an entry is of no class of the data set.
    """
    if not ids and entries and all(entry.category_name for entry in entries):
        by_name = {name: label for label, name in enumerate(class_names)}
        _refuse_unknown(path, {entry.category_name for entry in entries} - by_name.keys())
        return lambda entry: by_name[entry.category_name]
    found = {entry.category_id for entry in entries}
    if ids:
        by_number = {number: label for label, number in enumerate(ids.categories)}
        _refuse_unknown(path, found - by_number.keys())
    else:
        by_number = labels_by_number(path, found, class_names)
    return lambda entry: by_number[entry.category_id]


def _refuse_unknown(path: Path, unknown: set[int] | set[str]) -> None:
    if unknown:
        raise UserError(
            f"{shown(path)} expected classes of the data set, got {shortened(sorted(unknown)[0])}, "
            f"which it does not have; {CHOOSE}"
        )

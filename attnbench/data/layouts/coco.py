"""COCO JSON: one file of pictures, boxes and classes for each split.

Boxes are x, y, width, height in pixels. Classes are known by name: their numbers may have gaps,
begin anywhere, and differ between the files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path

import msgspec

from attnbench.data.decoding import OnProgress
from attnbench.data.findings import Findings, Kind
from attnbench.data.layouts.boxes import CORNER_AND_SIZE, Row
from attnbench.data.layouts.found import Found, Labelled, Reading
from attnbench.data.layouts.labelling import labelled_pictures
from attnbench.data.layouts.pictures import Finder, Picture, look_at, name_of
from attnbench.data.layouts.splits import by_split, folders_in, split_of
from attnbench.data.names import readable, some
from attnbench.data.targets import Numbers
from attnbench.errors import UserError
from attnbench.files.reading import read_text

UNKNOWN_CLASS = Kind(
    "box of a class that is not listed", "refused", "list the class, or correct the box"
)
UNKNOWN_PICTURE = Kind(
    "box of a picture that is not listed", "refused", "list the picture, or delete the box"
)
NO_BOX = Kind("object without four numbers of a box", "refused", "add its bbox, or delete it")
SAME_ID = Kind("picture with the number of another one", "refused", "number the pictures anew")
ID_AGAIN = Kind("box with the number of another one", "repaired", "numbered anew")
ID_ZERO = Kind("box with the number 0", "repaired", "numbered anew")
NO_AREA = Kind("box without area", "repaired", "its width × height (AP by size is of boxes)")
NO_CROWD = Kind("box without iscrowd", "repaired", "taken as a single object")
OTHER_NUMBERS = Kind("class with another number than in training", "repaired", "known by its name")

OTHER_FILES = ("captions", "panoptic", "stuff", "image_info", "person_keypoints", "results")
"""What else lies among annotations, by the beginnings of the names."""


class _Image(msgspec.Struct):
    id: int
    file_name: str
    width: float | None = None
    height: float | None = None


class _Annotation(msgspec.Struct):
    image_id: int
    category_id: int
    id: int | None = None
    bbox: list[float] | None = None
    area: float | None = None
    iscrowd: int | bool | None = None


class _Category(msgspec.Struct):
    id: int
    name: str


class _File(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


@dataclass(frozen=True, slots=True)
class CocoFolder:
    """A folder with a COCO file for each split."""

    folder: Path
    files: Mapping[str, Path]
    task: str = "detection"

    @property
    def text(self) -> str:
        """See `Layout`."""
        return f"COCO JSON: {', '.join(name_of(file, self.folder) for file in self.files.values())}"

    @property
    def splits(self) -> Sequence[str]:
        """See `Layout`."""
        return tuple(self.files)

    def read(
        self,
        splits: Sequence[str],
        findings: Findings,
        settings: Reading,
        on_progress: OnProgress | None = None,
    ) -> Found:
        """See `Layout`."""
        files = {split: _decoded(self.files[split]) for split in splits}
        names = {split: _class_names(self.files[split], files[split]) for split in splits}
        class_names = tuple(names[splits[0]].values())
        for split in splits[1:]:
            _compare(self, splits[0], split, names, findings)
        held_out = splits[-1]
        found = {
            split: _pictures(self, split, files[split], names[split], class_names, findings,
                             on_progress)
            for split in splits
        }  # fmt: skip
        by_name = {name: number for number, name in names[held_out].items()}
        return Found(
            class_names=class_names,
            splits={split: [one for _, one in pictures] for split, pictures in found.items()},
            numbers=Numbers(
                images={one.name: number for number, one in found[held_out]},
                categories=[by_name[name] for name in class_names],
            ),
        )


def find(folder: Path) -> CocoFolder | None:
    """The COCO files of a folder: in `annotations/`, beside the pictures, or in itself."""
    roboflow = {
        path: path / "_annotations.coco.json"
        for path in folders_in(folder)
        if (path / "_annotations.coco.json").is_file()
    }
    if roboflow:
        return CocoFolder(folder, by_split(roboflow, folder))
    for place in (folder / "annotations", folder):
        files = sorted(place.glob("*.json")) if place.is_dir() else []
        files = [file for file in files if not file.name.startswith((*OTHER_FILES, "."))]
        instances = [file for file in files if file.name.startswith("instances")] or files
        instances = [file for file in instances if _looks_like_coco(file)]
        if instances:
            return CocoFolder(folder, by_split({file: file for file in instances}, folder))
    return None


def _looks_like_coco(file: Path) -> bool:
    """Whether the beginning of a file may be that of a COCO file: the rest may be very long."""
    with file.open("rb") as opened:
        start = opened.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
    keys = (b'"images"', b'"annotations"', b'"categories"', b'"info"', b'"licenses"')
    return start.startswith(b"{") and any(key in start for key in keys)


def _decoded(file: Path) -> _File:
    try:
        return msgspec.json.decode(read_text(file), type=_File, strict=False)
    except msgspec.MsgspecError as error:
        raise UserError(
            f"{readable(str(file))}: expected COCO JSON with images, annotations and categories, "
            f"got something else ({error}); correct it, or export it again"
        ) from error


def _class_names(path: Path, file: _File) -> dict[int, str]:
    """The names of the classes by their numbers, in the order of the numbers."""
    listed = sorted((one.id, readable(one.name)) for one in file.categories)
    for what, counts in (
        ("number", Counter(str(number) for number, _ in listed)),
        ("name", Counter(name for _, name in listed)),
    ):
        again = [one for one, count in counts.items() if count > 1]
        if again:
            raise UserError(
                f"{readable(str(path))}: expected classes with a {what} each, got several with "
                f"{some(again)}; correct the categories"
            )
    if not listed:
        raise UserError(f"{readable(str(path))}: expected classes, got none; list the categories")
    return dict(listed)


def _compare(
    folder: CocoFolder,
    first: str,
    split: str,
    names: Mapping[str, Mapping[int, str]],
    findings: Findings,
) -> None:
    """Refuse other classes in another split; count those that have another number there."""
    expected, got = (set(names[one].values()) for one in (first, split))
    if expected != got:
        raise UserError(
            f"{readable(str(folder.folder))}: expected the same classes in all splits; only in "
            f"{first}: {some(sorted(expected - got))}; only in {split}: "
            f"{some(sorted(got - expected))}; make them agree"
        )
    numbers = {name: number for number, name in names[first].items()}
    for number, name in names[split].items():
        if numbers[name] != number:
            findings.add_name(
                OTHER_NUMBERS, f"{name}: {number} in {split}, {numbers[name]} in {first}"
            )


def _pictures(
    folder: CocoFolder,
    split: str,
    file: _File,
    names: Mapping[int, str],
    class_names: Sequence[str],
    findings: Findings,
    on_progress: OnProgress | None,
) -> list[tuple[int, Labelled]]:
    """The pictures of a split with their numbers, in the order of the file."""
    path = folder.files[split]
    images = _numbered(file.images, path, findings)
    finder = Finder(_picture_folders(folder.folder, split, path))
    pictures = [
        Picture(path=finder.find(image.file_name), named=image.file_name, size=_size(image))
        for image in images
    ]
    seen = look_at(pictures, folder.folder, findings, on_progress)
    rows = {image.id: row for row, image in enumerate(images)}
    _check_numbers(file.annotations, path, findings)
    labels = {number: class_names.index(name) for number, name in names.items()}
    rows_of_boxes = [
        row
        for place, one in enumerate(file.annotations)
        if (row := _row(one, place, path, rows, labels, findings))
    ]
    labelled = labelled_pictures(seen, rows_of_boxes, CORNER_AND_SIZE, findings)
    return [(image.id, one) for image, one in zip(images, labelled, strict=True) if one]


def _numbered(images: Sequence[_Image], path: Path, findings: Findings) -> list[_Image]:
    """The pictures without those whose number is taken: their boxes would be anybody's."""
    known: dict[int, _Image] = {}
    for image in images:
        if image.id in known:
            findings.add_name(SAME_ID, f"{path.name}: {image.file_name} has number {image.id}")
        else:
            known[image.id] = image
    return list(known.values())


def _size(image: _Image) -> tuple[int, int] | None:
    """(height, width) in pixels; some tools write zeros where they do not know it."""
    if not image.height or not image.width:
        return None
    return round(image.height), round(image.width)


def _picture_folders(folder: Path, split: str, path: Path) -> list[Path]:
    """Where the pictures of a split may be, the likeliest place first."""
    name = path.stem.removeprefix("instances_")
    places = [folder / "images", folder]
    named = [place / name for place in places]
    of_split = [one for place in places for one in folders_in(place) if split_of(one.name) == split]
    inside = [one / "images" for one in (*named, *of_split)]
    return [path.parent, *named, *of_split, *inside, *places]


def _check_numbers(annotations: Sequence[_Annotation], path: Path, findings: Findings) -> None:
    """Evaluators take boxes numbered 0, or with equal numbers, for unmatched ones."""
    seen = set[int]()
    for place, one in enumerate(annotations):
        if one.id == 0:
            findings.add_name(ID_ZERO, f"{path.name} annotation {place}")
        elif one.id in seen:
            findings.add_name(ID_AGAIN, f"{path.name} annotation {place} has number {one.id}")
        if one.id is not None:
            seen.add(one.id)


def _row(
    one: _Annotation,
    place: int,
    path: Path,
    pictures: Mapping[int, int],
    labels: Mapping[int, int],
    findings: Findings,
) -> Row | None:
    """A box, or None with a finding that says why it cannot be used."""
    where = f"{path.name} annotation {place}"
    if one.category_id not in labels:
        findings.add_name(UNKNOWN_CLASS, f"{where}: class {one.category_id}")
    elif one.image_id not in pictures:
        findings.add_name(UNKNOWN_PICTURE, f"{where}: picture {one.image_id}")
    elif one.bbox is None or len(one.bbox) != 4:
        findings.add_name(NO_BOX, where)
    else:
        if one.area is None:
            findings.add_name(NO_AREA, where)
        if one.iscrowd is None:
            findings.add_name(NO_CROWD, where)
        return Row(
            one.bbox, labels[one.category_id], pictures[one.image_id], bool(one.iscrowd),
            nan if one.area is None else one.area, where,
        )  # fmt: skip
    return None

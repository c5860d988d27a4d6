"""YOLO text: a file of lines "class x y width height" beside each picture, `labels/` for `images/`.

The numbers are shares of the sides, of the centre first; classes count from 0, and a YAML file (or
`classes.txt`) names them. A picture without a text has no objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

from attnbench.data.decoding import OnProgress
from attnbench.data.findings import MISSING, Findings, Kind
from attnbench.data.layouts.boxes import CENTRE_SHARES, Row
from attnbench.data.layouts.found import Found, Labelled, Reading
from attnbench.data.layouts.labelling import labelled_pictures
from attnbench.data.layouts.pictures import Finder, Picture, look_at, name_of
from attnbench.data.layouts.splits import SPLITS, by_split, folders_in, split_of
from attnbench.data.names import is_hidden, readable
from attnbench.data.walking import pictures_below
from attnbench.errors import UserError
from attnbench.files.reading import read_text

UNKNOWN_CLASS = Kind(
    "box of a class that has no name", "refused", "name the class, or correct the line"
)
NO_BOX = Kind("line that is no box", "refused", "write: class x y width height")
OUTLINE = Kind("outline instead of a box", "repaired", "the box around it is taken")

NAME_FILES = ("classes.txt", "obj.names", "labels/classes.txt")


@dataclass(frozen=True, slots=True)
class YoloFolder:
    """A folder with a text for each picture."""

    folder: Path
    images: Mapping[str, Sequence[Path]]
    """By split: folders of pictures, and lists of pictures (.txt)."""
    names_file: Path | None
    task: str = "detection"

    @property
    def text(self) -> str:
        """See `Layout`."""
        places = [name_of(one, self.folder) for parts in self.images.values() for one in parts]
        named = [name_of(self.names_file, self.folder)] if self.names_file else []
        return f"YOLO text: labels for {', '.join([*places, *named])}"

    @property
    def splits(self) -> Sequence[str]:
        """See `Layout`."""
        return tuple(self.images)

    def read(
        self,
        splits: Sequence[str],
        findings: Findings,
        settings: Reading,
        on_progress: OnProgress | None = None,
    ) -> Found:
        """See `Layout`."""
        class_names = self._class_names()
        found = {
            split: self._pictures(split, class_names, findings, on_progress) for split in splits
        }
        return Found(class_names=class_names, splits=found)

    def _class_names(self) -> tuple[str, ...]:
        if self.names_file is None:
            raise UserError(
                f"{readable(str(self.folder))}: expected the names of the classes in a YAML file "
                "or in classes.txt, got neither; write one name a line"
            )
        if self.names_file.suffix in (".yaml", ".yml"):
            names = _names_in(self.names_file)
        else:
            lines = read_text(self.names_file).splitlines()
            names = [line.strip() for line in lines if line.strip()]
        if not names or len(set(names)) < len(names):
            raise UserError(
                f"{readable(str(self.names_file))}: expected a name of its own for each class, got "
                f"{len(names)} names, {len(set(names))} of them different; correct it"
            )
        return tuple(readable(name) for name in names)

    def _pictures(
        self,
        split: str,
        class_names: Sequence[str],
        findings: Findings,
        on_progress: OnProgress | None,
    ) -> list[Labelled]:
        pictures = _listed(self.folder, self.images[split], findings)
        seen = look_at(pictures, self.folder, findings, on_progress)
        rows: list[Row] = []
        for place, (picture, one) in enumerate(zip(pictures, seen, strict=True)):
            if one and picture.path:
                text = _text_of(picture.path)
                rows += _rows(text, place, len(class_names), self.folder, findings)
        labelled = labelled_pictures(seen, rows, CENTRE_SHARES, findings)
        return [one for one in labelled if one]


def find(folder: Path) -> YoloFolder | None:
    """The pictures with texts of a folder: as its YAML file says, or as its folders are called."""
    yaml = next((file for file in _yaml_files(folder) if "names" in _content(file)), None)
    images = _said(folder, _content(yaml)) if yaml else {}
    images = images or {split: [place] for split, place in _by_names(folder).items()}
    flat = [folder / "images"] if not images and (folder / "images").is_dir() else []
    if not any(_has_texts(place) for parts in (*images.values(), flat) for place in parts):
        return None
    files = [folder / name for name in NAME_FILES]
    return YoloFolder(folder, images, yaml or next((one for one in files if one.is_file()), None))


def _yaml_files(folder: Path) -> list[Path]:
    files = [path for path in sorted(folder.iterdir()) if path.suffix in (".yaml", ".yml")]
    return [path for path in files if not is_hidden(path.name)]


def _content(file: Path) -> Mapping[str, Any]:
    """What a YAML file holds, if it is a table."""
    import yaml

    try:
        content = yaml.safe_load(read_text(file))
    except yaml.YAMLError as error:
        raise UserError(
            f"{readable(str(file))}: expected YAML, got something else "
            f"({' '.join(str(error).split())[:120]}); correct it"
        ) from error
    return content if isinstance(content, dict) else {}


def _names_in(file: Path) -> list[str]:
    """The names of a YAML file: a list, or a table from 0 on."""
    content = _content(file)
    names, count = content["names"], content.get("nc")
    if isinstance(names, dict):
        if sorted(names) != list(range(len(names))):
            raise UserError(
                f"{readable(str(file))}: expected names for the classes 0 to {len(names) - 1}, got "
                f"{readable(str(sorted(names, key=str)[:5]))}; number them from 0 on"
            )
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list):
        raise UserError(f"{readable(str(file))}: expected a list of names, got {names!r:.60}")
    if count is not None and count != len(names):
        raise UserError(
            f"{readable(str(file))}: expected as many names as nc says, got nc {count} and "
            f"{len(names)} names; make them agree"
        )
    return [str(name) for name in names]


def _said(folder: Path, content: Mapping[str, Any]) -> dict[str, list[Path]]:
    """The places of each split that a YAML file names and that are there."""
    said: dict[str, list[Path]] = {}
    for split in SPLITS:
        given = content.get(split) or (content.get("valid") if split == "val" else None)
        for place in given if isinstance(given, list) else [given]:
            path = _placed(folder, str(content.get("path") or ""), place)
            if path is not None:
                said.setdefault(split, []).append(path)
    return said


def _placed(folder: Path, root: str, place: Any) -> Path | None:
    """Where a place of a YAML file is: such files are often moved without being corrected."""
    if not isinstance(place, str):
        return None
    plain = place.removeprefix("./")
    while plain.startswith("../"):
        plain = plain.removeprefix("../")
    tries = [folder / root / place, folder / plain, folder / Path(plain).name]
    return next((path for path in tries if path.exists()), None)


def _by_names(folder: Path) -> dict[str, Path]:
    """Folders of pictures: `images/train`, or `train/images`, with labels beside them."""
    inside = {path: path for path in folders_in(folder / "images")}
    outside = {path: path / "images" for path in folders_in(folder) if (path / "images").is_dir()}
    found = by_split(inside, folder) or by_split(outside, folder)
    if found:
        return found
    lists = [path for path in sorted(folder.glob("*.txt")) if split_of(path.stem)]
    return by_split({path: path for path in lists}, folder) if (folder / "labels").is_dir() else {}


def _has_texts(place: Path) -> bool:
    """Whether labels lie beside a folder of pictures, or beside those of a list."""
    if place.is_file():
        return True
    labels = _text_of(place / "any.jpg").parent
    return labels.is_dir() and any(path.suffix == ".txt" for path in labels.rglob("*.txt"))


def _listed(folder: Path, places: Sequence[Path], findings: Findings) -> list[Picture]:
    """The pictures of a split, whose texts say nothing of their sizes."""
    pictures: list[Picture] = []
    for place in places:
        if place.is_dir():
            below = pictures_below(place, (), findings)
            pictures += [Picture(path=path, named=name_of(path, folder)) for path in below]
            _miss_pictures(folder, place, below, findings)
            continue
        finder = Finder([folder, place.parent, folder / "images"])
        lines = [line.strip() for line in read_text(place).splitlines()]
        pictures += [Picture(path=finder.find(line), named=line) for line in lines if line]
    return pictures


def _miss_pictures(folder: Path, place: Path, pictures: Sequence[Path], findings: Findings) -> None:
    """Count texts that have no picture beside them."""
    labels = _text_of(place / "any.jpg").parent
    if labels == place:
        return
    texts = {_text_of(path) for path in pictures}
    for text in sorted(labels.rglob("*.txt")):
        if text not in texts and not is_hidden(text.name) and text.name != "classes.txt":
            findings.add_name(MISSING, f"of {name_of(text, folder)}")


def _text_of(picture: Path) -> Path:
    """The text of a picture: the last folder called `images` becomes `labels`."""
    parts = list(picture.with_suffix(".txt").parts)
    for row in reversed(range(len(parts) - 1)):
        if parts[row] == "images":
            parts[row] = "labels"
            break
    return Path(*parts)


def _rows(text: Path, place: int, num_classes: int, folder: Path, findings: Findings) -> list[Row]:
    """The boxes of a picture, by the lines of its text; none without a text."""
    if not text.is_file():
        return []
    rows = []
    for number, line in enumerate(read_text(text).splitlines(), start=1):
        where = f"{name_of(text, folder)} line {number}"
        values = _values(line)
        if values is None or (len(values) != 5 and not _is_outline(values)):
            findings.add_name(NO_BOX, where)
        elif values and not (values[0].is_integer() and 0 <= values[0] < num_classes):
            findings.add_name(UNKNOWN_CLASS, f"{where}: class {values[0]:g} of {num_classes}")
        elif values:
            if len(values) > 5:
                findings.add_name(OUTLINE, where)
            box = values[1:] if len(values) == 5 else _around(values[1:])
            rows.append(Row(box, int(values[0]), place, False, nan, where))
    return rows


def _values(line: str) -> list[float] | None:
    """The numbers of a line, [] of an empty one; None if it holds anything else."""
    try:
        return [float(word) for word in line.split()]
    except ValueError:
        return None


def _is_outline(values: Sequence[float]) -> bool:
    """Whether a line is empty, or holds a class and at least three corners."""
    return not values or (len(values) >= 7 and len(values) % 2 == 1)


def _around(outline: Sequence[float]) -> list[float]:
    """Centre and size of the box around corners: x, y of each."""
    x, y = outline[0::2], outline[1::2]
    left, right, top, bottom = min(x), max(x), min(y), max(y)
    return [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]

"""Pascal VOC: an XML file for each picture, with corners of boxes that count pixels from 1.

`Annotations/` with `JPEGImages/` and lists of the splits in `ImageSets/Main/`, or a folder for each
split with both kinds of files. Objects marked as difficult are neither right nor wrong when found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path
from xml.etree import ElementTree

from attnbench.data.decoding import OnProgress
from attnbench.data.findings import Findings, Kind
from attnbench.data.layouts.boxes import CORNERS, Row
from attnbench.data.layouts.found import Found, Labelled, Reading
from attnbench.data.layouts.labelling import labelled_pictures
from attnbench.data.layouts.pictures import Finder, Picture, look_at, name_of
from attnbench.data.layouts.splits import by_split, folders_in
from attnbench.data.names import is_hidden, readable
from attnbench.files.reading import read_bytes, read_text

NO_XML = Kind("label file that is missing", "refused", "add it, or take it off the list")
BROKEN_XML = Kind("label file that is no XML", "refused", "replace it")
UNKNOWN_CLASS = Kind(
    "class that training does not have",
    "refused",
    "correct it, or list all classes in classes.txt, a line each",
)
NO_BOX = Kind("object without a name and four corners", "refused", "complete it, or delete it")

FIRST = 1
"""Number of the first pixel of a row. The last corner is inside the box, so that counted from 0,
as edges, it keeps its number."""


@dataclass(frozen=True, slots=True)
class _Object:
    name: str
    corners: tuple[float, ...]
    difficult: bool
    where: str


@dataclass(frozen=True, slots=True)
class VocFolder:
    """A folder with an XML file for each picture."""

    folder: Path
    files: Mapping[str, Sequence[Path]]
    """XML files of each split; some may not be there."""
    taken: tuple[str, ...]
    """Places that the splits were read from."""
    task: str = "detection"

    @property
    def text(self) -> str:
        """See `Layout`."""
        return f"Pascal VOC: {', '.join(self.taken)}"

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
        read = {split: self._described(split, findings) for split in splits}
        names = {
            split: {one.name for _, objects in described for one in objects}
            for split, described in read.items()
        }
        listed = _listed_names(self.folder)
        known = listed or sorted(names[splits[0]])
        for split in splits if listed else splits[1:]:
            for name in sorted(names[split] - set(known)):
                findings.add_name(UNKNOWN_CLASS, f"only in {split}: {name}")
        rest = set[str]().union(*names.values()) - set(known)
        class_names = (*known, *sorted(rest))
        return Found(
            class_names=class_names,
            splits={
                split: _labelled(self.folder, described, class_names, findings, on_progress)
                for split, described in read.items()
            },
        )

    def _described(self, split: str, findings: Findings) -> list[tuple[Picture, list[_Object]]]:
        """The pictures of a split and what their XML files say."""
        finder = Finder([self.folder / "JPEGImages", self.folder / "images"])
        beside = Finder([file.parent for file in self.files[split][:1]])
        described = []
        for file in self.files[split]:
            root = _parsed(file, self.folder, findings)
            if root is None:
                continue
            named = root.findtext("filename") or file.stem
            path = finder.with_stem(file.stem) or beside.with_stem(file.stem)
            path = path or finder.find(named) or beside.find(named)
            where = name_of(file, self.folder)
            picture = Picture(path=path, named=f"that of {where}", size=_size(root))
            described.append((picture, _objects(root, where, findings)))
        return described


def find(folder: Path) -> VocFolder | None:
    """The XML files of a folder, by lists or by folders of the splits."""
    place = folder / "Annotations"
    if place.is_dir():
        if not any(place.glob("*.xml")):
            return None
        lists = sorted((folder / "ImageSets" / "Main").glob("*.txt")) or sorted(
            folder.glob("*.txt")
        )
        # Lists such as "cat_train.txt" are of one class; "trainval" joins two of the others.
        plain = {path: path for path in lists if "_" not in path.stem}
        found = by_split(plain, folder)
        files = {split: _on_list(place, path) for split, path in found.items()}
        return VocFolder(folder, files, tuple(name_of(path, folder) for path in found.values()))
    parts = {path: sorted(path.glob("*.xml")) for path in folders_in(folder)}
    parts = {path: files for path, files in parts.items() if files}
    files = by_split(parts, folder)
    taken = tuple(name_of(one[0].parent, folder) for one in files.values())
    return VocFolder(folder, files, taken) if files else None


def _listed_names(folder: Path) -> list[str]:
    """The classes that the user lists, in the order of their labels; none without a list."""
    file = folder / "classes.txt"
    lines = read_text(file).splitlines() if file.is_file() else []
    return list(dict.fromkeys(readable(line.strip()) for line in lines if line.strip()))


def _on_list(place: Path, path: Path) -> list[Path]:
    """The XML files of a list, whose lines begin with a name."""
    lines = [line.split() for line in read_text(path).splitlines()]
    return [place / f"{words[0].removesuffix('.xml')}.xml" for words in lines if words]


def _parsed(file: Path, folder: Path, findings: Findings) -> ElementTree.Element | None:
    if is_hidden(file.name):
        return None
    if not file.is_file():
        findings.add(NO_XML, file)
        return None
    try:
        return ElementTree.fromstring(read_bytes(file))
    except (ElementTree.ParseError, ValueError, LookupError):
        findings.add(BROKEN_XML, file)
        return None


def _size(root: ElementTree.Element) -> tuple[int, int] | None:
    """(height, width); some tools write zeros, or nothing, where they do not know it."""
    height, width = (_number(root.find("size"), name) for name in ("height", "width"))
    return (round(height), round(width)) if height and width else None


def _number(element: ElementTree.Element | None, name: str) -> float | None:
    text = element.findtext(name) if element is not None else None
    try:
        value = float(text) if text else nan
    except ValueError:
        return None
    return value if isfinite(value) else None


def _objects(root: ElementTree.Element, where: str, findings: Findings) -> list[_Object]:
    objects = []
    for number, element in enumerate(root.findall("object"), start=1):
        place = f"{where} object {number}"
        box = element.find("bndbox")
        left, top, right, bottom = (_number(box, name) for name in ("xmin", "ymin", "xmax", "ymax"))
        name = (element.findtext("name") or "").strip()
        if not name or left is None or top is None or right is None or bottom is None:
            findings.add_name(NO_BOX, place)
            continue
        corners = (left - FIRST, top - FIRST, right, bottom)
        difficult = bool(_number(element, "difficult"))
        objects.append(_Object(readable(name), corners, difficult, place))
    return objects


def _labelled(
    folder: Path,
    described: Sequence[tuple[Picture, Sequence[_Object]]],
    class_names: Sequence[str],
    findings: Findings,
    on_progress: OnProgress | None,
) -> list[Labelled]:
    labels = {name: label for label, name in enumerate(class_names)}
    seen = look_at([picture for picture, _ in described], folder, findings, on_progress)
    rows = [
        Row(one.corners, labels[one.name], place, one.difficult, nan, one.where)
        for place, (_, objects) in enumerate(described)
        for one in objects
    ]
    return [one for one in labelled_pictures(seen, rows, CORNERS, findings) if one]

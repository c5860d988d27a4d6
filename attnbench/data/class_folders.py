"""The layout "folders of classes": `train/` and `val/`, each with a folder of images per class.

Classes are known by name: the label of a picture is the place of its class among the sorted names
of `train/`, whatever `val/` holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from torchvision.datasets.folder import IMG_EXTENSIONS

from attnbench.data.classified import Classified, Labelled, look_at
from attnbench.data.decoding import OnProgress
from attnbench.data.findings import LOOSE, NOT_JUDGED, REACHED_AGAIN, Findings
from attnbench.data.names import readable, some
from attnbench.data.walking import file_id, listed, pictures_below
from attnbench.errors import UserError

LAYOUT = "folders of classes"
SPLITS = ("train", "val")

Pictures = dict[str, list[Path]]
"""The image files of each class, by the name of the class."""


def look_in(
    folder: Path,
    findings: Findings,
    *,
    splits: Sequence[str] = SPLITS,
    on_progress: OnProgress | None = None,
) -> Classified:
    """Find the pictures of a folder and read their headers.

    Args:
        folder: holds `train/<class>/…` and `val/<class>/…`.
        findings: takes what was found, that which is refused included.
        splits: without "train", the classes are those of `val/`.
        on_progress: called with (headers read, headers in all).

    Raises:
        UserError: the folder has another layout.
    """
    pictures = {split: _pictures(folder, split, findings) for split in splits}
    class_names = tuple(sorted(pictures[splits[0]]))
    if "train" in splits:
        _check_classes(folder, pictures)
        for name in class_names:
            if not pictures["val"].setdefault(name, []):
                findings.add_name(NOT_JUDGED, name)
    if not any(pictures["val"].values()):
        raise _no_images(folder / "val")
    labelled = {split: _labelled(pictures[split], class_names) for split in splits}
    return look_at(class_names, labelled, findings, on_progress)


def _labelled(pictures: Pictures, class_names: Sequence[str]) -> list[Labelled]:
    """Class by class."""
    return [(path, label) for label, name in enumerate(class_names) for path in pictures[name]]


def _pictures(folder: Path, split: str, findings: Findings) -> Pictures:
    """The pictures of each class of a split."""
    place = folder / split
    if not place.is_dir():
        raise UserError(
            f"{readable(str(folder))}: expected the folders train/ and val/ in it, each with one "
            f"folder of images for each class; got no {split}/"
        )
    above = {file_id(folder), file_id(place)}
    listing = listed(place, findings)
    for path in listing.pictures:
        findings.add(LOOSE, path)
    pictures: Pictures = {}
    for path in listing.folders:
        if file_id(path) in above:
            findings.add(REACHED_AGAIN, path)
            continue
        name = readable(path.name)
        if name in pictures:
            raise UserError(f"{place}: two class folders are called {name}; rename one of them")
        pictures[name] = pictures_below(path, above, findings)
    return pictures


def _check_classes(folder: Path, pictures: Mapping[str, Pictures]) -> None:
    train, val = pictures["train"], pictures["val"]
    if len(train) < 2:
        raise UserError(
            f"{readable(str(folder / 'train'))}: expected at least 2 classes, one folder of images "
            f"each; got {len(train)}"
        )
    for name, found in train.items():
        if not found:
            raise _no_images(folder / "train" / name)
    unknown = sorted(val.keys() - train.keys())
    if unknown:
        raise UserError(
            f"{readable(str(folder))}: expected the same classes in train/ and val/; only in "
            f"train/: {some(sorted(train.keys() - val.keys()))}; only in val/: {some(unknown)}; "
            "make them agree"
        )


def _no_images(place: Path) -> UserError:
    kinds = " ".join(IMG_EXTENSIONS)
    return UserError(
        f"{readable(str(place))}: expected images ({kinds}), got none; add some or delete it"
    )

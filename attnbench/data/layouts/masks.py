"""Pictures and masks: for each picture a second one, whose values say the class of each pixel.

Folders `images/` and `masks/` (or `img_dir/` and `ann_dir/`, and others below) with equal names, by
splits inside or outside of them, or with lists of names; also with the suffixes of Cityscapes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from attnbench.data.decoding import OnProgress, in_threads
from attnbench.data.findings import MISSING, Findings, Kind
from attnbench.data.layouts.found import Found, Labelled, Reading
from attnbench.data.layouts.mask_classes import classes_of, table_in
from attnbench.data.layouts.mask_files import MISSING_MASK, MaskContent, content_of
from attnbench.data.layouts.pictures import Picture, look_at, name_of
from attnbench.data.layouts.splits import by_split, folders_in, split_of
from attnbench.data.walking import pictures_below
from attnbench.files.reading import read_text

TWO_MASKS = Kind("picture with several masks", "refused", "leave one of them")

IMAGES = ("images", "img_dir", "imgs", "image", "JPEGImages", "leftImg8bit")
MASKS = ("masks", "ann_dir", "mask", "annotations", "labels", "SegmentationClass", "gtFine")
IMAGE_SUFFIXES = ("_leftImg8bit", "_image", "_img")
MASK_SUFFIXES = (
    "_gtFine_labelTrainIds", "_labelTrainIds", "_gtFine_labelIds", "_labelIds", "_mask", "_masks",
    "_label", "_labels", "_seg", "_gt", "_L",
)  # fmt: skip
"""Endings of names before the file suffix; of several masks the one with the first ending."""
OTHER_SUFFIXES = ("_color", "_instanceIds", "_instanceTrainIds")
"""Of pictures among the masks that are something else."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Where the pictures and the masks of a split are."""

    images: Path
    masks: Path
    names: Path | None = None
    """A list of names, one a line; None for all pictures."""


@dataclass(frozen=True, slots=True)
class MaskFolder:
    """A folder with a mask for each picture."""

    folder: Path
    pairs: Mapping[str, Pair]
    task: str = "segmentation"

    @property
    def text(self) -> str:
        """See `Layout`."""
        pairs = [
            " + ".join(name_of(one, self.folder) for one in (pair.images, pair.masks))
            for pair in self.pairs.values()
        ]
        return f"images and masks: {', '.join(dict.fromkeys(pairs))}"

    @property
    def splits(self) -> Sequence[str]:
        """See `Layout`."""
        return tuple(self.pairs)

    def read(
        self,
        splits: Sequence[str],
        findings: Findings,
        settings: Reading,
        on_progress: OnProgress | None = None,
    ) -> Found:
        """See `Layout`."""
        table = table_in(self.folder)
        matched = {split: _matched(self.pairs[split], self.folder, findings) for split in splits}
        masks = [mask for pairs in matched.values() for _, mask in pairs]
        contents = _contents(masks, on_progress, painted=bool(table.colours))
        for one in contents.values():
            if one.fault:
                findings.add(one.fault, one.path)
        classes = classes_of(list(contents.values()), table, settings, self.folder, findings)
        return Found(
            class_names=classes.names,
            splits={
                split: _labelled(pairs, contents, self.folder, findings, on_progress)
                for split, pairs in matched.items()
            },
            pixels={
                split: classes.pixels(contents[mask] for _, mask in pairs)
                for split, pairs in matched.items()
            },
            masks=classes,
        )


def find(folder: Path) -> MaskFolder | None:
    """The pictures and masks of a folder."""
    outside = {path: pair for path in folders_in(folder) if (pair := _pair_in(path))}
    pairs = by_split(outside, folder)
    if not pairs:
        images, masks = _first(folder, IMAGES), _first(folder, MASKS)
        if images is None or masks is None:
            return None
        pairs = _pairs_inside(images, masks, folder)
        if not pairs and _has_pictures(masks):
            return MaskFolder(folder, {})
    if not any(_has_pictures(pair.masks) for pair in pairs.values()):
        return None
    return MaskFolder(folder, pairs)


def _pair_in(folder: Path) -> Pair | None:
    images, masks = _first(folder, IMAGES), _first(folder, MASKS)
    return Pair(images, masks) if images and masks else None


def _first(folder: Path, names: Sequence[str]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_dir()), None)


def _pairs_inside(images: Path, masks: Path, folder: Path) -> dict[str, Pair]:
    """The splits as folders in both places, or as lists of names."""
    of_images, of_masks = (
        by_split({path: path for path in folders_in(place)}, folder) for place in (images, masks)
    )
    both = [split for split in of_images if split in of_masks]
    if both:
        return {split: Pair(of_images[split], of_masks[split]) for split in both}
    for place in (folder / "ImageSets" / "Segmentation", folder / "splits", folder):
        lists = {path: path for path in sorted(place.glob("*.txt")) if split_of(path.stem)}
        found = by_split(lists, folder)
        if found:
            return {split: Pair(images, masks, path) for split, path in found.items()}
    return {}


def _has_pictures(folder: Path) -> bool:
    """Whether there is a picture: other files lie in folders of the same names, too."""
    return any(path.suffix.lower() in (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
               for path in folder.rglob("*.*"))  # fmt: skip


def _matched(pair: Pair, folder: Path, findings: Findings) -> list[tuple[Path, Path]]:
    """Each picture of a split with its mask."""
    images = _by_key(pair.images, IMAGE_SUFFIXES, findings)
    masks = _by_key(pair.masks, MASK_SUFFIXES, findings)
    keys = sorted(images.keys() | masks.keys()) if pair.names is None else _named(pair.names)
    matched = []
    for key in keys:
        image, mask = images.get(key, []), masks.get(key, [])
        if not image:
            findings.add_name(MISSING, f"of {name_of(mask[0], folder)}" if mask else key)
        elif not mask:
            findings.add(MISSING_MASK, image[0])
        elif len(mask) > 1 or len(image) > 1:
            findings.add_name(TWO_MASKS, name_of(image[0], folder))
        else:
            matched.append((image[0], mask[0]))
    return matched


def _by_key(folder: Path, suffixes: Sequence[str], findings: Findings) -> dict[str, list[Path]]:
    """Pictures by their names below a folder, without endings; of several endings the first."""
    ranked: dict[str, list[tuple[int, Path]]] = {}
    for path in pictures_below(folder, (), findings):
        stem = path.stem
        if stem.endswith(OTHER_SUFFIXES):
            continue
        ending = next((one for one in suffixes if stem.endswith(one) and stem != one), "")
        rank = suffixes.index(ending) if ending else len(suffixes)
        key = (path.parent.relative_to(folder) / stem.removesuffix(ending)).as_posix()
        ranked.setdefault(key, []).append((rank, path))
    return {
        key: [path for rank, path in paths if rank == min(paths)[0]]
        for key, paths in ranked.items()
    }


def _named(file: Path) -> list[str]:
    """The names of a list, whose lines begin with one; suffixes and folders are left out."""
    lines = [line.split() for line in read_text(file).splitlines()]
    return list(dict.fromkeys(Path(words[0]).stem for words in lines if words))


def _contents(
    masks: Sequence[Path], on_progress: OnProgress | None, *, painted: bool
) -> dict[Path, MaskContent]:
    contents: dict[Path, MaskContent] = {}

    def look(row: int) -> None:
        contents[masks[row]] = content_of(masks[row], painted=painted)

    in_threads(look, len(masks), on_progress)
    return {path: contents[path] for path in masks}


def _labelled(
    pairs: Sequence[tuple[Path, Path]],
    contents: Mapping[Path, MaskContent],
    folder: Path,
    findings: Findings,
    on_progress: OnProgress | None,
) -> list[Labelled]:
    """The pictures whose mask can be read and has their size."""
    pairs = [pair for pair in pairs if contents[pair[1]].fault is None]
    pictures = [
        Picture(path=image, named=name_of(image, folder), size=contents[mask].size)
        for image, mask in pairs
    ]
    seen = look_at(pictures, folder, findings, on_progress)
    return [
        Labelled(name=one.name, header=one.header, upright=one.upright, mask=mask)
        for one, (_, mask) in zip(seen, pairs, strict=True)
        if one
    ]

"""Sets of three pictures in every layout, written by the tests."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .zoo import (
    BOXES,
    HEIGHT,
    WIDTH,
    Change,
    Write,
    coco_content,
    mask_of,
    picture,
    split_of_picture,
    xml_of,
)


@pytest.fixture
def write_coco(tmp_path: Path) -> Write:
    """Write a COCO folder; `change` alters the content of a split's file before it is written."""

    def write(change: Change | None = None, split: str = "train", **more: Change) -> Path:
        root = tmp_path / "zoo"
        changes = more if change is None else {split: change, **more}
        for name in ("train", "val"):
            content = coco_content(name)
            for image in content["images"]:
                picture(root / "images" / name / image["file_name"], seed=image["id"])
            changes.get(name, lambda content: None)(content)
            path = root / "annotations" / f"instances_{name}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content))
        return root

    return write


@pytest.fixture
def write_yolo(tmp_path: Path) -> Write:
    """Write a YOLO folder; `texts` replaces the lines of a picture."""

    def write(texts: Mapping[int, str] | None = None, names: str = "names: [cat, dog]") -> Path:
        root = tmp_path / "zoo"
        for number, boxes in BOXES.items():
            split = split_of_picture(number)
            picture(root / "images" / split / f"{number}.png", seed=number)
            lines = [
                f"{label} {(x + width / 2) / WIDTH} {(y + height / 2) / HEIGHT} "
                f"{width / WIDTH} {height / HEIGHT}"
                for x, y, width, height, label in boxes
            ]
            path = root / "labels" / split / f"{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text((texts or {}).get(number, "\n".join(lines)))
        (root / "data.yaml").write_text(f"train: images/train\nval: images/val\n{names}\n")
        return root

    return write


@pytest.fixture
def write_voc(tmp_path: Path) -> Write:
    """Write a Pascal VOC folder; `texts` replaces the XML of a picture."""

    def write(texts: Mapping[int, str] | None = None) -> Path:
        root = tmp_path / "zoo"
        (root / "Annotations").mkdir(parents=True)
        (root / "ImageSets" / "Main").mkdir(parents=True)
        lists: dict[str, list[str]] = {"train": [], "val": []}
        for number in BOXES:
            picture(root / "JPEGImages" / f"{number}.png", seed=number)
            lists[split_of_picture(number)].append(str(number))
            text = (texts or {}).get(number, xml_of(number))
            (root / "Annotations" / f"{number}.xml").write_text(text)
        for split, names in lists.items():
            (root / "ImageSets" / "Main" / f"{split}.txt").write_text("\n".join(names))
        return root

    return write


@pytest.fixture
def write_masks(tmp_path: Path) -> Write:
    """Write pictures and masks; `draw` makes the mask of a picture from its labels."""

    def write(
        draw: Callable[[np.ndarray], Image.Image] = Image.fromarray,
        images: str = "{split}/images/{number}.png",
        masks: str = "{split}/masks/{number}.png",
        classes: str | None = None,
    ) -> Path:
        root = tmp_path / "zoo"
        for number in BOXES:
            split = split_of_picture(number)
            picture(root / images.format(split=split, number=number), seed=number)
            path = root / masks.format(split=split, number=number)
            path.parent.mkdir(parents=True, exist_ok=True)
            draw(mask_of(number)).save(path)
        if classes is not None:
            (root / "classes.txt").write_text(classes)
        return root

    return write

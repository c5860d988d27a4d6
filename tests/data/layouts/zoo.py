"""Three pictures of cats and dogs, and what `attnbench data` finds in a folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from attnbench.data.inspection import inspect_data
from attnbench.data.layouts.found import Reading
from attnbench.data.opening import open_data

WIDTH, HEIGHT = 40, 30
BOXES = {0: [(1, 2, 10, 12, 0), (20, 5, 8, 9, 1)], 1: [(0, 0, 40, 30, 1)], 2: [(3, 4, 5, 6, 0)]}
"""By picture: x, y, width, height, class. Picture 2 is held out."""
CLASSES = ("cat", "dog")

Change = Callable[[dict[str, Any]], None]
Write = Callable[..., Path]


def picture(path: Path, size: tuple[int, int] = (WIDTH, HEIGHT), seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(256, size=(*size[::-1], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def split_of_picture(number: int) -> str:
    return "val" if number == 2 else "train"


def coco_content(split: str) -> dict[str, Any]:
    numbers = [number for number in BOXES if split_of_picture(number) == split]
    boxes = [(number, box) for number in numbers for box in BOXES[number]]
    return {
        "images": [
            {"id": 7 + number, "file_name": f"{number}.png", "width": WIDTH, "height": HEIGHT}
            for number in numbers
        ],
        "categories": [{"id": 3 + label, "name": name} for label, name in enumerate(CLASSES)],
        "annotations": [
            {"id": 1 + place, "image_id": 7 + number, "category_id": 3 + label,
             "bbox": [x, y, width, height], "area": width * height, "iscrowd": 0}
            for place, (number, (x, y, width, height, label)) in enumerate(boxes)
        ],
    }  # fmt: skip


def xml_of(number: int) -> str:
    objects = "".join(
        f"<object><name>{CLASSES[label]}</name><difficult>0</difficult><bndbox><xmin>{x + 1}</xmin>"
        f"<ymin>{y + 1}</ymin><xmax>{x + width}</xmax><ymax>{y + height}</ymax></bndbox></object>"
        for x, y, width, height, label in BOXES[number]
    )
    return (
        f"<annotation><filename>{number}.png</filename><size><width>{WIDTH}</width>"
        f"<height>{HEIGHT}</height></size>{objects}</annotation>"
    )


def mask_of(number: int) -> np.ndarray:
    """Labels of a picture: 0 around, 1 and 2 in parts, in an order of their own."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[: 10 + number] = 1
    mask[-5:, :20] = 2
    return mask


def found_in(root: Path, **settings: Any) -> dict[str, tuple[str, int, tuple[str, ...]]]:
    """What `attnbench data` finds: by kind, the outcome, count and examples."""
    inspection = inspect_data(str(root), settings=Reading(**settings))
    return {
        one.kind.what: (one.kind.outcome, one.count, one.examples) for one in inspection.findings
    }


def boxes_in(root, split="train") -> list[list[float]]:
    data = open_data(str(root), (HEIGHT, WIDTH))
    return [
        [round(side, 3) for side in box]
        for _, targets in getattr(data, split).batches(9, seed=None, device="cpu")
        for one in targets
        for box in one.boxes.tolist()
    ]


def one_box(number: int, *box: float):
    """A change of a COCO file: another box at a place."""
    return lambda content: content["annotations"][number].update(bbox=list(box))


KEPT = [[1, 2, 11, 14], [20, 5, 28, 14], [0, 0, 40, 30]]

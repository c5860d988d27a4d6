"""The pipeline as a whole can learn a few pictures by heart: reader, loss, loop and scores."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from attnbench.data.labelled_images import LabelledInMemory
from attnbench.data.opening import open_data
from attnbench.models.factory import create_model
from attnbench.tasks.factory import create_task
from attnbench.training.loop import train
from attnbench.training.recipe import recipe_for

PICTURES, SIZE = 10, 96
REPEATS, EPOCHS = 40, 3
"""An epoch shows each picture so often: scores are computed after each epoch."""
CLASSES = ("square", "disc", "triangle")


def drawn(random, canvas, kind, box):
    colour = tuple(random.integers(120, 256, 3).tolist())
    x, y, width, height = box
    if kind == "triangle":
        canvas.polygon([(x, y + height), (x + width, y + height), (x + width / 2, y)], fill=colour)
    else:
        draw = canvas.rectangle if kind == "square" else canvas.ellipse
        draw((x, y, x + width, y + height), fill=colour)


def write_coco(folder: Path) -> Path:
    """Shapes of several sizes on noise, in the layout of COCO; both parts are the same pictures."""
    content = {
        "images": [],
        "annotations": [],
        "categories": [{"id": 3 * i + 1, "name": name} for i, name in enumerate(CLASSES)],
    }
    for number in range(1, 1 + PICTURES):
        random = np.random.default_rng(number)
        height, width = random.integers(100, 160, 2).tolist()
        image = Image.fromarray(random.integers(90, size=(height, width, 3), dtype=np.uint8))
        canvas = ImageDraw.Draw(image)
        for corner in range(int(random.integers(1, 4))):  # each in a quarter of its own
            side = int(random.integers(16, min(height, width) // 2))
            box = (width // 2 * (corner % 2), height // 2 * (corner // 2), side, side)
            kind = int(random.integers(len(CLASSES)))
            drawn(random, canvas, CLASSES[kind], box)
            content["annotations"].append(
                {"id": len(content["annotations"]), "image_id": number, "bbox": box,
                 "category_id": 3 * kind + 1}
            )  # fmt: skip
        name = f"{number:03d}.png"
        content["images"].append(
            {"id": number, "file_name": name, "height": height, "width": width}
        )
        for split in ("train", "val"):
            (folder / split).mkdir(parents=True, exist_ok=True)
            image.save(folder / split / name)
    (folder / "annotations").mkdir()
    for split in ("train", "val"):
        (folder / "annotations" / f"instances_{split}.json").write_text(json.dumps(content))
    return folder


@pytest.mark.slow
def test_a_detector_learns_ten_pictures_by_heart(tmp_path: Path) -> None:
    data = open_data(str(write_coco(tmp_path / "shapes")), SIZE)
    assert data.task == "detection"
    assert isinstance(data.train, LabelledInMemory)
    often = LabelledInMemory(
        data.train.images.repeat(REPEATS, 1, 1, 1), list(data.train.targets) * REPEATS
    )
    recipe = recipe_for(data, epochs=EPOCHS, flip=False, scales=(1.0, 1.0))
    torch.manual_seed(0)
    model = create_model("anchorformer-det-t", data.num_classes, data.img_size)
    found = []
    train(
        model, replace(data, train=often), create_task("detection"), recipe, device="cpu",
        on_epoch=lambda progress, scores, state: found.append(scores.values["ap"]),
    )  # fmt: skip
    assert found[-1] >= 0.5, found

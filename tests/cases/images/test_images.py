"""What people ran into with their pictures, replayed on folders that the tests write.

orientation tag ignored: vision#7977, diffusers PR #3465
files of file managers become classes: vision#2831, mmpretrain#507
a last batch of one stops BatchNorm: mmpretrain#1421, pytorch#7716
classes shift when a split lacks one: deit#130, timm#957
deep pictures turn white, other modes: vision#2218, Pillow#3011
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image
from torch import nn

from attnbench.data.by_name import judged_by_name
from attnbench.data.images import ImageData
from attnbench.data.opening import open_data
from attnbench.errors import UserError
from attnbench.tasks.factory import create_task
from attnbench.training.evaluate import evaluate
from attnbench.training.loop import train
from attnbench.training.recipe import recipe_for

SIDE = 12
MODES = ("L", "LA", "P", "RGBA", "CMYK", "1", "I;16")


def pixels(brightness: int, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 40, (SIDE, SIDE, 3))
    return (noise + brightness).astype(np.uint8)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes `draw(class, index)` into a folder; it saves at the path that it is given."""

    def make(draw, classes=("a", "b"), counts=(10, 5)) -> Path:
        for split, count in zip(("train", "val"), counts, strict=True):
            for label, name in enumerate(classes):
                folder = tmp_path / "pictures" / split / name
                folder.mkdir(parents=True)
                for index in range(count):
                    draw(folder, label, index)
        return tmp_path / "pictures"

    return make


def bright_or_dark(folder: Path, label: int, index: int) -> None:
    Image.fromarray(pixels(90 * label, index)).save(folder / f"{index}.png")


def scores(data: ImageData, epochs: int = 20, batch_size: int = 16) -> dict[str, float]:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(3 * SIDE**2, 8), nn.BatchNorm1d(8), nn.Linear(8, data.num_classes)
    )
    recipe = recipe_for(data, epochs=epochs, batch_size=batch_size, lr=0.01, crop_padding=0)
    task = create_task("classification")
    train(model, data, task, recipe, device="cpu")
    return dict(evaluate(model, data.val, task, recipe, device="cpu").values)


@pytest.mark.parametrize("tag", [3, 4])
def test_classes_that_differ_in_the_orientation_tag_are_told_apart(write, tag) -> None:
    def draw(folder: Path, label: int, index: int) -> None:
        scene = pixels(0, index)
        scene[: SIDE // 2] += 180
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = tag if label else 1
        Image.fromarray(scene).save(folder / f"{index}.jpg", exif=exif, quality=95)

    data = open_data(str(write(draw)), SIDE)
    assert scores(data)["top1"] == 1
    assert [(one.kind.what, one.count) for one in data.findings] == [("orientation tag", 15)]


def test_files_of_file_managers_are_no_pictures(write) -> None:
    folder = write(bright_or_dark)
    for place in ("train", "train/a", "val", "val/b"):
        (folder / place / ".cache").mkdir()
        bright_or_dark(folder / place / ".cache", 0, 0)
    (folder / "train/a/Thumbs.db").write_bytes(b"x")
    (folder / "train/a/._0.jpg").write_bytes(b"x")
    data = open_data(str(folder))
    assert (len(data.train), len(data.val), data.num_classes) == (20, 10, 2)
    assert [one.count for one in data.findings] == [6]


@pytest.mark.parametrize("count", [33, 65])
def test_sixty_five_images_in_batches_of_sixty_four_train(write, count) -> None:
    def draw(folder: Path, label: int, index: int) -> None:
        if folder.parent.name == "val" or label == 0 or index < count // 2:
            bright_or_dark(folder, label, index)

    data = open_data(str(write(draw, counts=(count - count // 2, 5))), SIDE)
    assert len(data.train) == count
    assert scores(data, epochs=8, batch_size=count - 1)["loss"] < 1


@pytest.mark.parametrize("lacking", [("1", "2"), ("10",)])
def test_a_held_out_set_that_lacks_classes_is_judged_by_name(write, lacking) -> None:
    folder = write(lambda place, label, index: bright_or_dark(place, label, index),
                   classes=("1", "2", "10"))  # fmt: skip
    whole = open_data(str(folder), SIDE)
    assert scores(whole, epochs=40)["top1"] == 1
    for name in lacking:
        for file in (folder / "val" / name).iterdir():
            file.unlink()
        (folder / "val" / name).rmdir()
    part = judged_by_name(open_data(str(folder), SIDE, train=False), whole.class_names, "it")
    labels = torch.cat([one for _, one in part.val.batches(9, seed=None, device="cpu")])
    judged = {whole.class_names[label] for label in labels.tolist()}
    assert judged == {"1", "2", "10"} - set(lacking)
    assert "1, 2" in part.findings[-1].text or lacking == ("10",)


def test_deep_pictures_keep_their_brightness(write) -> None:
    def draw(folder: Path, label: int, index: int) -> None:
        deep = pixels(90 * label, index)[..., 0].astype(np.uint16) * 257
        Image.fromarray(deep).save(folder / f"{index}.png")

    data = open_data(str(write(draw)), SIDE)
    seen, labels = next(data.train.batches(99, seed=None, device="cpu"))
    assert seen[labels == 0].max() < 40
    assert 90 <= seen[labels == 1].min() <= seen[labels == 1].max() < 130
    (finding,) = data.findings
    assert "I;16" in finding.text
    assert "train/a/0.png" in finding.text


def test_every_mode_trains_once_the_file_that_is_cut_is_gone(write) -> None:
    def draw(folder: Path, label: int, index: int) -> None:
        mode, image = MODES[index % len(MODES)], Image.fromarray(pixels(90 * label, index))
        if mode == "I;16":
            image = Image.fromarray(np.asarray(image)[..., 0].astype(np.uint16) * 257)
        else:
            image = image.convert(mode)
        image.save(folder / f"{index}.{'jpg' if mode == 'CMYK' else 'png'}")

    folder = write(draw)
    Image.new("RGB", (1, 1)).save(folder / "train/a/one.png")
    cut = folder / "train/b/cut.png"
    cut.write_bytes((folder / "train/b/0.png").read_bytes()[:90])
    with pytest.raises(UserError, match=r"1 × does not decode: .*train/b/cut\.png"):
        open_data(str(folder), SIDE)
    cut.unlink()
    data = open_data(str(folder))
    assert (len(data.train), data.img_size) == (21, SIDE)
    assert scores(data)["loss"] < 1

"""torchvision's sets by name: parts, classes, and pictures as they are."""

import functools
import inspect

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets

from attnbench.data.opening import open_data
from attnbench.data.readers.torchvision_sets import SETS
from attnbench.errors import UserError


def write_idx(path, values):
    """A file of MNIST's format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = np.array(values.shape, ">i4").tobytes()
    path.write_bytes(bytes([0, 0, 8, values.ndim]) + shape + values.astype(np.uint8).tobytes())


def test_a_set_of_files_with_two_parts(tmp_path):
    labels = np.arange(12) % 3
    for name, count in (("train", 12), ("t10k", 6)):
        images = np.broadcast_to(labels[:count, None, None] * 40, (count, 28, 28))
        raw = tmp_path / "MNIST/raw"
        write_idx(raw / f"{name}-images-idx3-ubyte", images)
        write_idx(raw / f"{name}-labels-idx1-ubyte", labels[:count])
    data = open_data(f"torchvision:mnist:{tmp_path}", 9)
    assert (data.name, len(data.train), len(data.val)) == ("mnist", 12, 6)
    assert data.class_names == ("0 - zero", "1 - one", "2 - two")
    assert not data.photographs
    pixels, found = next(data.val.batches(6, seed=None, device="cpu"))
    assert torch.equal(pixels[:, 0, 0, 0].long(), found * 40)


def test_a_set_of_folders_with_named_parts(tmp_path):
    for split in ("train", "val"):
        for name in ("n01440764", "n03000684"):
            place = tmp_path / "imagenette2" / split / name
            place.mkdir(parents=True)
            Image.new("L", (30, 20), 9).save(place / "1.JPEG")
    data = open_data(f"torchvision:Imagenette:{tmp_path}")
    assert (len(data.train), len(data.val), data.img_size) == (2, 2, (20, 20))
    assert data.photographs


def test_fake_pictures_are_drawn_once_and_a_fifth_is_held_out(monkeypatch):
    few = functools.partial(datasets.FakeData, size=30, image_size=(3, 9, 9), num_classes=2)
    monkeypatch.setattr(datasets, "FakeData", few)
    before = torch.get_rng_state()
    one, other = (open_data("torchvision:FakeData") for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.train.images, other.train.images)
    assert len(one.train) + len(one.val) == 30
    assert 4 <= len(one.val) <= 6


def test_every_set_is_there_and_needs_a_folder_alone():
    for name in SETS:
        options = inspect.signature(getattr(datasets, name)).parameters.values()
        needed = {one.name for one in options if one.default is one.empty} - {"kwargs"}
        assert needed <= {"root"}, name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cifar", "expected one of Caltech101, .*, got cifar; correct it"),
        ("", "got nothing; correct it"),
        ("GTSRBB:x", "got GTSRBB"),
        ("ImageNet:nowhere", "torchvision cannot open it .* into nowhere, or name their folder"),
    ],
)
def test_what_is_not_there_is_one_line(name, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        open_data(f"torchvision:{name}")

"""Classes are known by name, wherever they stand."""

import shutil
from dataclasses import replace

import pytest
import torch

from attnbench.data.by_name import judged_by_name, not_judged
from attnbench.data.images import ImageData, ImagesInMemory
from attnbench.data.opening import open_data
from attnbench.errors import UserError

NUMERIC = ("1", "2", "10")


def reds(data: ImageData, split: str) -> dict[str, set[int]]:
    """The red of the images of each class: `make_folder` writes 50 times the place of the class."""
    pixels, labels = next(getattr(data, split).batches(99, seed=None, device="cpu"))
    found: dict[str, set[int]] = {}
    for red, label in zip(pixels[:, 0, 0, 0].tolist(), labels.tolist(), strict=True):
        found.setdefault(data.class_names[label], set()).add(red)
    return found


def test_numeric_folders_keep_their_names_in_both_splits(make_folder) -> None:
    data = open_data(str(make_folder(classes=NUMERIC)), 8)
    assert data.class_names == ("1", "10", "2")
    for split in ("train", "val"):
        assert reds(data, split) == {"1": {0}, "2": {50}, "10": {100}}


@pytest.mark.parametrize("lacking", [("1",), ("2",), ("1", "2"), ("10", "2")])
@pytest.mark.parametrize("as_empty", [True, False])
def test_a_split_that_lacks_classes_shifts_none(make_folder, lacking, as_empty) -> None:
    folder = make_folder(classes=NUMERIC)
    for name in lacking:
        shutil.rmtree(folder / "val" / name)
        if as_empty:
            (folder / "val" / name).mkdir()
    whole = open_data(str(folder), 8)
    there = {name: {50 * row} for row, name in enumerate(NUMERIC) if name not in lacking}
    assert reds(whole, "val") == there
    (text,) = not_judged(whole)
    assert all(name in text for name in lacking)
    alone = judged_by_name(open_data(str(folder), 8, train=False), whole.class_names, "it")
    assert reds(alone, "val") == there


@pytest.mark.parametrize("order", [(2, 0, 1), (1, 0, 2), (0, 1, 2)])
def test_another_order_is_put_right(order) -> None:
    names = ("a", "b", "c")
    labels = torch.tensor([0, 1, 2, 2])
    pixels = (labels * 50).to(torch.uint8)[:, None, None, None].expand(4, 3, 8, 8).contiguous()
    images = ImagesInMemory(pixels, labels)
    data = ImageData(name="x", train=images, val=images, class_names=names, img_size=8,
                     photographs=True)  # fmt: skip
    wanted = tuple(names[row] for row in order)
    judged = judged_by_name(data, wanted, "it")
    assert reds(judged, "val") == {"a": {0}, "b": {50}, "c": {100}}
    assert not_judged(judged) == []
    with pytest.raises(UserError, match=r"trained on the 2 classes of it; x has others \(c\)"):
        judged_by_name(replace(data, name="x"), ("b", "a"), "it")


def test_names_that_read_alike_are_refused(make_folder) -> None:
    folder = make_folder()
    for name in ("caf\u00e9", "cafe\u0301"):
        shutil.copytree(folder / "train" / "cat", folder / "train" / name)
    with pytest.raises(UserError, match="two class folders are called caf\u00e9"):
        open_data(str(folder), 8)

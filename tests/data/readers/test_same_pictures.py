"""The same pictures are the same data, whatever they are packed in."""

import pytest
import torch

from attnbench.data.augmented import Augmented
from attnbench.data.by_name import judged_by_name
from attnbench.data.images import ImagesInMemory, ImagesOnDisk
from attnbench.data.inspection import inspect_data
from attnbench.data.opening import is_here, open_data
from attnbench.data.picture_augment import PictureAugment
from attnbench.data.sheet import draw_sheet

PACKED = ["shards", "saved"]


@pytest.fixture(params=PACKED)
def packed(request):
    """A data set as users give it."""
    place = request.getfixturevalue(request.param)
    return f"hf:{place}" if request.param == "saved" else str(place)


def batches(images, seed=3, first=0):
    return list(images.batches(4, seed=seed, device="cpu", first=first))


def equal(some, others):
    return len(some) == len(others) and all(
        torch.equal(one, other)
        for a, b in zip(some, others, strict=True)
        for one, other in zip(a, b, strict=True)
    )


@pytest.mark.parametrize("limit", [0, 2**30])
def test_batches_are_those_of_the_folder_from_any_batch_on(folder, packed, limit, monkeypatch):
    monkeypatch.setattr("attnbench.data.images.MEMORY_LIMIT_BYTES", limit)
    plain, data = open_data(str(folder), 9), open_data(packed, 9)
    assert isinstance(data.train, ImagesInMemory if limit else ImagesOnDisk)
    assert data.class_names == plain.class_names == ("cat", "dog", "eel")
    assert data.findings == ()
    for split in ("train", "val"):
        one, other = getattr(data, split), getattr(plain, split)
        assert equal(batches(one), batches(other))
        assert equal(batches(one, first=1), batches(other)[1:])
        assert len(set(one.names)) == len(one)


def test_processes_change_no_picture(packed, monkeypatch):
    monkeypatch.setattr("attnbench.data.images.MEMORY_LIMIT_BYTES", 0)
    images = open_data(packed, 9).train
    augment = PictureAugment((9, 9), (0.2, 1.0), "")
    alone, *others = (batches(Augmented(images, augment, workers=count)) for count in (0, 1, 2))
    assert all(equal(alone, other) for other in others)


def test_held_out_pictures_are_judged_alone_by_the_names_of_their_classes(packed):
    data = open_data(packed, 9, train=False)
    assert (len(data.train), len(data.val)) == (0, 6)
    judged = judged_by_name(data, ("eel", "ape", "dog", "cat"), "it")
    names = [judged.class_names[label] for _, own in batches(judged.val, None) for label in own]
    assert names == ["cat"] * 2 + ["dog"] * 2 + ["eel"] * 2


def test_data_shows_what_training_reads(packed, tmp_path):
    found = inspect_data(packed)
    assert found.images == {"train": 15, "val": 6}
    assert found.classes["eel"] == {"train": 5, "val": 2}
    assert found.sizes == {(14, 20): 21}
    draw_sheet(found, tmp_path / "sheet.png")
    assert is_here(packed)
    assert not is_here("nothing.tar")


def test_another_task_is_refused(packed):
    with pytest.raises(ValueError, match="expected labels for detection, got pictures of classes"):
        open_data(packed, 9, "detection")

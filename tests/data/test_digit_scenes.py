"""Scenes of digits: the same for every run, and labelled to the pixel."""

import numpy as np
import pytest
import torch

from attnbench.data import digit_scenes
from attnbench.data.by_name import judged_by_name
from attnbench.data.digits import split_digits
from attnbench.data.opening import open_data
from attnbench.errors import UserError


@pytest.fixture(autouse=True)
def few_scenes(monkeypatch) -> None:
    monkeypatch.setattr(digit_scenes, "SCENES", {"train": 24, "val": 7})


def targets_of(task: str, split: str = "train", size: int | tuple[int, int] = 96):
    data = open_data("digit-scenes", size, task)
    images, targets = next(getattr(data, split).batches(99, seed=None, device="cpu"))
    return images, targets


def test_boxes_and_label_maps_agree(monkeypatch) -> None:
    crowding = digit_scenes.CROWDING["detection"]
    monkeypatch.setitem(digit_scenes.CROWDING, "segmentation", crowding)
    images, objects = targets_of("detection")
    others, maps = targets_of("segmentation")
    assert torch.equal(images, others)
    for one, labels in zip(objects, (one.labels for one in maps), strict=True):
        assert int((labels > 0).sum()) >= one.areas.sum()
        assert set(labels.unique().tolist()) - {0} >= {1 + label for label in one.labels.tolist()}
        inside = torch.zeros_like(labels)
        for box, label, area in zip(one.boxes.int().tolist(), one.labels, one.areas, strict=True):
            part = labels[box[1] : box[3], box[0] : box[2]] == 1 + label
            assert int(part.sum()) >= area
            # The box is tight: the digit reaches all of its sides.
            assert all(edge.any() for edge in (part[0], part[-1], part[:, 0], part[:, -1]))
            inside[box[1] : box[3], box[0] : box[2]] = 1
        assert int(((labels > 0) & (inside == 0)).sum()) < digit_scenes.LEAST_PIXELS


@pytest.mark.parametrize("size", [64, 96, (80, 120)])
def test_any_size_is_composed_at_its_own_pixels(size) -> None:
    images, objects = targets_of("detection", "val", size)
    height, width = (size, size) if isinstance(size, int) else size
    assert images.shape == (7, 3, height, width)
    for one in objects:
        assert one.size == one.seen == (height, width)
        assert (one.boxes[:, 2:] <= torch.tensor([width, height])).all()
        assert (one.boxes[:, 2:] > one.boxes[:, :2]).all()


def test_are_the_same_for_every_seed_and_differ_between_the_splits() -> None:
    first, other = (open_data("digit-scenes", 64, seed=seed) for seed in (0, 5))
    batches = [next(data.train.batches(9, seed=None, device="cpu"))[0] for data in (first, other)]
    assert torch.equal(*batches)
    held_out, _ = next(first.val.batches(9, seed=None, device="cpu"))
    assert not any(torch.equal(one, other) for one in held_out for other in batches[0])


def test_held_out_digits_are_in_no_training_scene() -> None:
    parts = split_digits()
    train, val = ({digit.numpy().tobytes() for digit in parts[split][0]} for split in parts)
    assert not train & val
    assert len(parts["train"][0]) + len(parts["val"][0]) == 1797


def test_several_digits_of_several_sizes() -> None:
    _, objects = targets_of("detection")
    counts = {len(one.labels) for one in objects}
    heights = np.concatenate([(one.boxes[:, 3] - one.boxes[:, 1]).numpy() for one in objects])
    assert len(counts) >= 3
    assert heights.max() > 2 * heights.min()


def test_the_ground_is_a_class_of_label_maps_alone() -> None:
    assert open_data("digit-scenes", 64).class_names == tuple("0123456789")
    names = open_data("digit-scenes", 64, "segmentation").class_names
    assert names == ("background", *"0123456789")


@pytest.mark.parametrize(
    ("size", "task", "text"),
    [(32, None, "at least 64"), ((64, 63), None, "got 63"), (64, "classification", "the task")],
)
def test_what_cannot_be_composed_is_refused(size, task, text) -> None:
    with pytest.raises(UserError, match=text):
        open_data("digit-scenes", size, task)


def test_objects_are_judged_by_the_names_of_their_classes() -> None:
    data = open_data("digit-scenes", 64)
    turned = tuple("9876543210")
    _, objects = next(data.val.batches(9, seed=None, device="cpu"))
    _, judged = next(judged_by_name(data, turned, "it").val.batches(9, seed=None, device="cpu"))
    for one, other in zip(objects, judged, strict=True):
        assert torch.equal(9 - one.labels, other.labels)


def test_other_sets_name_the_task_that_they_have() -> None:
    with pytest.raises(UserError, match="labels for detection, got those for classification"):
        open_data("digits", task="detection")

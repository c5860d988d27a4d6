"""The same three pictures in every layout give the same objects."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from attnbench.data.inspection import inspect_data
from attnbench.data.layouts.looking import layout_of
from attnbench.data.opening import open_data
from attnbench.errors import UserError
from attnbench.spec import ModelWorkload

from .zoo import BOXES, CLASSES, HEIGHT, WIDTH, found_in, picture, xml_of


def objects_of(root: Path, split: str) -> dict[str, list]:
    """By the stem of a picture: boxes in its pixels, labels, areas, crowds."""
    data = open_data(str(root), (HEIGHT, WIDTH))
    assert data.task == "detection"
    assert data.class_names == CLASSES
    (batch,) = getattr(data, split).batches(8, seed=None, device="cpu")
    assert batch[0].shape[1:] == (3, HEIGHT, WIDTH)
    return {
        Path(one.picture).stem: [
            (*(round(side, 3) for side in box), label, round(area, 2), crowd)
            for box, label, area, crowd in zip(
                one.boxes.tolist(), one.labels.tolist(), one.areas.tolist(), one.crowd.tolist(),
                strict=True,
            )
        ]
        for one in batch[1]
    }  # fmt: skip


@pytest.mark.parametrize("layout", ["coco", "yolo", "voc"])
def test_boxes_are_those_that_were_written(layout, request) -> None:
    root = request.getfixturevalue(f"write_{layout}")()
    read = {**objects_of(root, "train"), **objects_of(root, "val")}
    assert read == {
        str(number): [
            (x, y, x + width, y + height, label, width * height, False)
            for x, y, width, height, label in boxes
        ]
        for number, boxes in BOXES.items()
    }
    assert found_in(root) == {}


@pytest.mark.parametrize("layout", ["coco", "yolo", "voc"])
def test_boxes_are_brought_to_the_pixels_of_the_model(layout, request) -> None:
    root = request.getfixturevalue(f"write_{layout}")()
    data = open_data(str(root), (2 * HEIGHT, 3 * WIDTH))
    _, (objects,) = next(data.val.batches(1, seed=None, device="cpu"))
    assert objects.boxes.tolist() == [[9, 8, 24, 20]]
    assert (objects.size, objects.seen) == ((HEIGHT, WIDTH), (2 * HEIGHT, 3 * WIDTH))
    assert objects.boxes.dtype == objects.areas.dtype == torch.float32
    assert (objects.labels.dtype, objects.crowd.dtype) == (torch.int64, torch.bool)


@pytest.mark.parametrize("layout", ["coco", "yolo", "voc"])
def test_what_was_taken_is_said_and_shown(layout, request) -> None:
    found = inspect_data(str(request.getfixturevalue(f"write_{layout}")()))
    assert {"coco": "COCO", "yolo": "YOLO", "voc": "VOC"}[layout] in found.layout
    assert found.counted == "boxes"
    assert found.classes == {"cat": {"train": 1, "val": 1}, "dog": {"train": 2, "val": 0}}
    assert found.sizes == {(WIDTH, HEIGHT): 3}
    assert found.labels
    assert [name for name, _ in found.labels.legend] == list(CLASSES)
    samples = found.labels.samples(9, 80)
    assert [picture.size for _, picture in samples] == [(80, 60)] * 2


@pytest.mark.parametrize("layout", ["coco", "masks"])
def test_images_on_disk_equal_those_in_memory(layout, request, monkeypatch) -> None:
    root = request.getfixturevalue(f"write_{layout}")()
    in_memory = open_data(str(root), (9, 11))
    monkeypatch.setattr("attnbench.data.images.MEMORY_LIMIT_BYTES", 0)
    on_disk = open_data(str(root), (9, 11))
    assert type(in_memory.train) is not type(on_disk.train)
    for seed in (None, 3):
        images, targets = next(in_memory.train.batches(2, seed=seed, device="cpu"))
        others, read = next(on_disk.train.batches(2, seed=seed, device="cpu"))
        assert torch.equal(images, others)
        assert [one.picture for one in targets] == [one.picture for one in read]
        for one, other in zip(targets, read, strict=True):
            assert torch.equal(one.labels, other.labels)


def test_two_layouts_are_a_doubt_that_the_user_ends(write_coco, write_yolo, write_masks) -> None:
    write_coco()
    root = write_yolo()
    with pytest.raises(UserError, match=r"got 2 \(COCO.*; YOLO.*--data coco:"):
        open_data(str(root))
    for name in ("coco", "yolo"):
        assert open_data(f"{name}:{root}").num_classes == 2
    with pytest.raises(UserError, match="expected the layout voc"):
        open_data(f"voc:{root}")
    (root / "labels").rename(root / "texts")
    (root / "data.yaml").unlink()
    write_masks()
    assert open_data(str(root), task="detection").task == "detection"
    assert open_data(str(root), task="segmentation").task == "segmentation"


def test_class_folders_are_what_is_left(make_folder) -> None:
    folder = make_folder()
    assert layout_of(folder) is None
    with pytest.raises(UserError, match="expected labels for detection"):
        open_data(str(folder), task="detection")


@pytest.mark.parametrize("layout", ["coco", "yolo", "voc", "masks"])
def test_labels_without_splits_are_named(layout, request) -> None:
    root = request.getfixturevalue(f"write_{layout}")()
    if layout == "coco":
        (root / "annotations/instances_val.json").unlink()
        old = root / "annotations/instances_train.json"
        old.rename(old.with_name("instances_default.json"))
    elif layout == "voc":
        shutil.rmtree(root / "ImageSets")
    else:
        for kind in ("images", {"yolo": "labels", "masks": "masks"}[layout]):
            (root / kind).mkdir(exist_ok=True)
            for path in [*root.glob(f"{kind}/*/*"), *root.glob(f"*/{kind}/*")]:
                path.rename(root / kind / path.name)
            for path in root.glob(f"{kind}/*/"):
                path.rmdir()
        for path in (root / "train", root / "val"):
            shutil.rmtree(path, ignore_errors=True)
    for read in (open_data, inspect_data):
        with pytest.raises(UserError, match="labels for train and val, got none"):
            read(str(root))


def test_a_folder_of_no_layout_is_told_all_of_them(tmp_path) -> None:
    with pytest.raises(UserError, match=r"train/ and val/.*COCO.*YOLO.*VOC.*masks"):
        open_data(str(tmp_path))


@pytest.mark.parametrize(
    ("train", "val"), [("train", "valid"), ("train2017", "val2017"), ("training", "validation")]
)
def test_other_spellings_of_splits_are_known(write_coco, train, val) -> None:
    root = write_coco()
    for old, new in (("train", train), ("val", val)):
        (root / f"images/{old}").rename(root / f"images/{new}")
        old_file = root / f"annotations/instances_{old}.json"
        old_file.rename(old_file.with_name(f"instances_{new}.json"))
    assert len(open_data(str(root)).train) == 2


def test_a_file_beside_the_pictures_of_each_split(write_coco) -> None:
    root = write_coco()
    for split in ("train", "val"):
        (root / f"images/{split}").rename(root / split)
        (root / f"annotations/instances_{split}.json").rename(
            root / split / "_annotations.coco.json"
        )
    assert len(open_data(str(root)).train) == 2


def test_texts_beside_pictures_in_each_split_with_a_yaml_that_points_elsewhere(write_yolo) -> None:
    root = write_yolo(names="names:\n  0: cat\n  1: dog")
    for split in ("train", "val"):
        (root / split).mkdir()
        for kind in ("images", "labels"):
            (root / kind / split).rename(root / split / kind)
    text = (root / "data.yaml").read_text()
    (root / "data.yaml").write_text(
        text.replace("images/train", "../train/images").replace("images/val", "../val/images")
    )
    assert len(objects_of(root, "train")) == 2


def test_a_test_set_takes_the_place_of_a_missing_validation_set(write_coco) -> None:
    root = write_coco()
    (root / "annotations/instances_val.json").rename(root / "annotations/instances_test.json")
    (root / "images/val").rename(root / "images/test")
    assert found_in(root) == {"no pictures for validation": ("counted", 1, ("test",))}
    assert len(open_data(str(root)).val) == 1
    assert len(open_data(str(root), train=False, held_out="test").val) == 1
    with pytest.raises(UserError, match="for train and val, got train, test"):
        open_data(str(root), held_out="val")


def test_one_split_alone_is_refused_and_shown(write_coco) -> None:
    root = write_coco()
    (root / "annotations/instances_val.json").unlink()
    assert found_in(root)["part of the data set that is missing"][0] == "refused"
    with pytest.raises(UserError, match="labels for train and val, got train"):
        open_data(str(root))


def test_the_numbers_of_the_coco_file_come_along_for_result_files(write_coco) -> None:
    numbers = open_data(str(write_coco())).numbers
    assert numbers is not None
    assert dict(numbers.images) == {"images/val/2.png": 9}
    assert list(numbers.categories) == [3, 4]


def test_difficult_objects_are_ignored(write_voc) -> None:
    text = xml_of(2).replace("<difficult>0", "<difficult>1")
    assert objects_of(write_voc({2: text}), "val") == {"2": [(3, 4, 8, 10, 0, 30, True)]}


def test_an_xml_file_without_size_and_with_another_file_name(write_voc) -> None:
    text = xml_of(2).replace("2.png", "elsewhere.bmp").replace(f"<width>{WIDTH}", "<width>0")
    assert objects_of(write_voc({2: text}), "val")["2"] == [(3, 4, 8, 10, 0, 30, False)]


def test_outlines_are_put_in_boxes(write_yolo) -> None:
    root = write_yolo({2: "1 0.25 0.5 0.5 0.5 0.5 0.2"})
    assert objects_of(root, "val")["2"] == [(10, 6, 20, 15, 1, 90, False)]
    assert found_in(root) == {
        "outline instead of a box": ("repaired", 1, ("labels/val/2.txt line 1",))
    }


@pytest.mark.parametrize("short", [64, 300, 1000])
def test_the_default_size_is_a_square_of_at_most_320_pixels(write_coco, short) -> None:
    root = write_coco()
    for path in (root / "images/train").iterdir():
        picture(path, (2 * short, short))

    file = root / "annotations/instances_train.json"
    content = json.loads(file.read_text())
    for image in content["images"]:
        image.update(width=2 * short, height=short)
    file.write_text(json.dumps(content))
    height, width = open_data(str(root)).img_size
    assert height == width <= 320
    assert height % 32 == 0
    assert abs(height - min(short, 320)) <= 16


def test_batches_count_every_picture_once(write_coco) -> None:
    data = open_data(str(write_coco()), 16)
    seen = Counter(
        target.picture
        for _, targets in data.train.batches(1, seed=5, device="cpu")
        for target in targets
    )
    assert seen == {"images/train/0.png": 1, "images/train/1.png": 1}


def test_pictures_are_squashed_whole(write_coco) -> None:
    root = write_coco()
    half = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    half[:, WIDTH // 2 :] = 200
    Image.fromarray(half).save(root / "images/val/2.png")
    images, _ = next(open_data(str(root), (8, 8)).val.batches(1, seed=None, device="cpu"))
    assert images[0, 0, :, :3].max() < 30 < 170 < images[0, 0, :, 5:].min()


def test_a_single_class_is_enough_for_boxes(write_yolo) -> None:
    root = write_yolo({0: "0 0.5 0.5 0.2 0.2", 1: "0 0.5 0.5 0.5 0.5"}, names="names: [cell]")
    data = open_data(str(root), 64)
    assert data.class_names == ("cell",)
    workload = ModelWorkload(
        model="picodet-s", attention="", img_size=data.img_size, num_classes=data.num_classes
    )
    assert workload.num_classes == 1

"""What is wrong with boxes and classes: repaired, refused or counted, and never silent."""

import numpy as np
import pytest

from attnbench.data.inspection import inspect_data
from attnbench.data.layouts.found import Reading
from attnbench.data.opening import open_data
from attnbench.errors import UserError

from .zoo import BOXES, KEPT, boxes_in, found_in, one_box, xml_of


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0), (0, 0)])
def test_a_box_of_no_size_is_left_out(write_coco, width, height) -> None:
    root = write_coco(one_box(0, 3, 3, width, height))
    assert found_in(root) == {
        "box of no width or height": (
            "repaired", 1, ("instances_train.json annotation 0",),
        )
    }  # fmt: skip
    assert boxes_in(root) == KEPT[1:]


def test_negative_sides_are_refused(write_coco) -> None:
    root = write_coco(one_box(0, 9, 9, -3, 4))
    assert found_in(root)["box whose second corner is before its first"][0] == "refused"
    with pytest.raises(UserError, match="second corner is before its first"):
        open_data(str(root))


def test_a_box_partly_outside_is_cut_at_the_border(write_coco) -> None:
    root = write_coco(one_box(0, -3, 25, 10, 8))
    assert found_in(root)["box partly outside its picture"][:2] == ("repaired", 1)
    assert boxes_in(root)[0] == [0, 25, 7, 30]


def test_rounded_numbers_are_no_finding(write_yolo) -> None:
    assert found_in(write_yolo({1: "1 0.500001 0.5 1.000002 1.0"})) == {}


@pytest.mark.parametrize("box", [(2, 2, 0.4, 9), (39.5, 2, 9, 9)])
def test_a_box_with_less_than_a_pixel_left_is_left_out(write_coco, box) -> None:
    root = write_coco(one_box(0, *box))
    assert found_in(root)["box under 1 pixel wide or high"][:2] == ("repaired", 1)
    assert boxes_in(root) == KEPT[1:]


def many(content, away: int, count: int = 100) -> None:
    """Boxes of which some are outside of the picture."""
    content["annotations"] = [
        {"id": 1 + row, "image_id": 7, "category_id": 3, "iscrowd": 0, "area": 4,
         "bbox": [100 if row < away else row / 9, 1, 2, 2]}
        for row in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize(("away", "outcome"), [(5, "repaired"), (6, "refused")])
def test_boxes_outside_are_left_out_unless_there_are_many(write_coco, away, outcome) -> None:
    root = write_coco(lambda content: many(content, away))
    (found,) = [one for what, one in found_in(root).items() if "box outside its picture" in what]
    assert found[:2] == (outcome, away)


@pytest.mark.parametrize("layout", ["coco", "yolo", "voc"])
def test_a_picture_without_objects_is_kept(layout, request) -> None:
    write = request.getfixturevalue(f"write_{layout}")
    if layout == "coco":
        root = write(lambda content: content["annotations"].pop())
    else:
        empty = {"yolo": "\n", "voc": xml_of(1).partition("<object>")[0] + "</annotation>"}
        root = write({1: empty[layout]})
    (found,) = found_in(root).values()
    assert found[:2] == ("counted", 1)
    data = open_data(str(root), 16)
    ((_, targets),) = list(data.train.batches(2, seed=None, device="cpu"))
    assert targets[1].boxes.shape == (0, 4)
    assert targets[1].labels.shape == targets[1].crowd.shape == targets[1].areas.shape == (0,)


def test_a_picture_without_a_text_has_no_objects(write_yolo) -> None:
    root = write_yolo()
    (root / "labels/train/1.txt").unlink()
    assert found_in(root)["picture without objects"][1:] == (1, ("images/train/1.png",))


def test_numbers_of_classes_with_gaps_and_in_another_order(write_coco) -> None:
    def other_numbers(content) -> None:
        content["categories"] = [{"id": 90, "name": "cat"}, {"id": 0, "name": "dog"}]
        for one in content["annotations"]:
            one["category_id"] = {3: 90, 4: 0}[one["category_id"]]

    root = write_coco(train=other_numbers)
    assert found_in(root) == {
        "class with another number than in training": (
            "repaired", 2, ("cat: 3 in val, 90 in train", "dog: 4 in val, 0 in train"),
        )
    }  # fmt: skip
    data = open_data(str(root))
    assert data.class_names == ("dog", "cat")  # by the numbers of the training set
    labels = [
        [data.class_names[label] for label in targets[0].labels]
        for images in (data.train, data.val)
        for _, targets in images.batches(1, seed=None, device="cpu")
    ]
    assert labels == [["cat", "dog"], ["dog"], ["cat"]]


def test_other_names_in_another_split_are_refused(write_coco) -> None:
    root = write_coco(val=lambda content: content["categories"][1].update(name="eel"))
    with pytest.raises(UserError, match="only in train: dog; only in val: eel"):
        open_data(str(root))


@pytest.mark.parametrize("field", ["id", "name"])
def test_two_classes_that_share_a_number_or_a_name_are_refused(write_coco, field) -> None:
    def share(content) -> None:
        content["categories"][1][field] = content["categories"][0][field]

    with pytest.raises(UserError, match=f"classes with a {'number' if field == 'id' else 'name'}"):
        open_data(str(write_coco(share)))


@pytest.mark.parametrize("label", ["2", "-1", "0.5"])
def test_a_class_that_has_no_name_is_refused_with_file_and_line(write_yolo, label) -> None:
    root = write_yolo({1: f"1 0.5 0.5 0.5 0.5\n{label} 0.5 0.5 0.2 0.2\n"})
    with pytest.raises(UserError, match=rf"labels/train/1\.txt line 2: class {label} of 2"):
        open_data(str(root))


def test_an_unlisted_class_is_refused(write_coco) -> None:
    root = write_coco(lambda content: content["annotations"][1].update(category_id=99))
    with pytest.raises(UserError, match=r"instances_train\.json annotation 1: class 99"):
        open_data(str(root))


def test_an_unlisted_picture_is_refused(write_coco) -> None:
    root = write_coco(lambda content: content["annotations"][1].update(image_id=99))
    with pytest.raises(UserError, match="annotation 1: picture 99"):
        open_data(str(root))


def test_a_class_of_the_held_out_pictures_alone_is_refused(write_voc) -> None:
    root = write_voc({2: xml_of(2).replace("cat", "eel")})
    with pytest.raises(UserError, match="only in val: eel"):
        open_data(str(root))
    (root / "classes.txt").write_text("eel\ncat\ndog\n")
    assert open_data(str(root)).class_names == ("eel", "cat", "dog")


@pytest.mark.parametrize("line", ["cat 0.5 0.5 0.5 0.5", "0 0.5 0.5 0.5", "0 1 2 3 4 5", "0 0 0,1"])
def test_a_line_that_is_no_box_is_refused(write_yolo, line) -> None:
    with pytest.raises(UserError, match=r"line that is no box.*labels/val/2\.txt line 1"):
        open_data(str(write_yolo({2: line})))


def test_equal_numbers_and_equal_boxes(write_coco) -> None:
    def twice(content) -> None:
        content["annotations"].append(dict(content["annotations"][0]))

    root = write_coco(twice)
    place = ("instances_train.json annotation 3",)
    assert found_in(root) == {
        "box with the number of another one": ("repaired", 1, (f"{place[0]} has number 1",)),
        "box that is there twice": ("repaired", 1, place),
    }
    assert boxes_in(root) == KEPT


def test_the_number_0(write_coco) -> None:
    root = write_coco(lambda content: content["annotations"][1].update(id=0))
    assert found_in(root)["box with the number 0"][:2] == ("repaired", 1)
    assert boxes_in(root) == KEPT


def test_missing_areas_and_crowds_are_filled_in(write_coco) -> None:
    def remove(content) -> None:
        for one in content["annotations"]:
            del one["area"], one["iscrowd"]

    root = write_coco(remove)
    found = found_in(root)
    assert found["box without area"][:2] == ("repaired", 3)
    assert found["box without iscrowd"][:2] == ("repaired", 3)
    _, targets = next(open_data(str(root), 16).train.batches(9, seed=None, device="cpu"))
    assert targets[0].areas.tolist() == [120, 72]
    assert not targets[0].crowd.any()


def test_a_known_area_and_a_crowd_are_kept(write_coco) -> None:
    root = write_coco(lambda content: content["annotations"][0].update(area=17.5, iscrowd=1))
    _, targets = next(open_data(str(root), 16).train.batches(9, seed=None, device="cpu"))
    assert targets[0].areas.tolist() == [17.5, 72]
    assert targets[0].crowd.tolist() == [True, False]


def in_form(form: str):
    """Boxes that fit their pictures, written in a form that is not COCO's."""

    def change(content) -> None:
        random = np.random.default_rng(0)
        content["annotations"] = []
        for row in range(40):
            x, y = random.uniform(12, 30), random.uniform(10, 20)
            width, height = random.uniform(4, 9, 2)
            box = {
                "x1, y1, x2, y2 in pixels": (x, y, x + width, y + height),
                "centre x, y, width, height in pixels": (
                    30 + (x - 12) / 9,
                    y,
                    11 + width / 2,
                    height,
                ),
                "centre x, y, width, height as shares of the sides": (0.9, 0.5, 0.18, 0.2),
            }[form]
            content["annotations"].append(
                {"id": 1 + row, "image_id": 7, "category_id": 3, "bbox": box, "area": 9,
                 "iscrowd": 0}
            )  # fmt: skip

    return change


@pytest.mark.parametrize(
    "form",
    [
        "x1, y1, x2, y2 in pixels",
        "centre x, y, width, height in pixels",
        "centre x, y, width, height as shares of the sides",
    ],
)
def test_numbers_that_mean_something_else_are_refused_with_what_fits(write_coco, form) -> None:
    root = write_coco(in_form(form))
    with pytest.raises(UserError, match=f"does not fit.*they fit as .*{form}"):
        open_data(str(root))


def test_pixels_in_a_text_of_shares(write_yolo) -> None:
    root = write_yolo({0: "0 6 8 10 12\n1 24 9.5 8 9", 1: "1 20 15 40 30", 2: "0 5 7 5 6"})
    with pytest.raises(UserError, match="they fit as .*centre x, y, width, height in pixels"):
        open_data(str(root))


def test_a_value_that_is_no_finite_number_is_refused(write_yolo) -> None:
    with pytest.raises(UserError, match="no finite number.*line 1"):
        open_data(str(write_yolo({2: "0 nan 0.5 0.5 0.5"})))


def test_strict_refuses_repairs_and_nothing_else(write_coco) -> None:
    strict = Reading(strict=True)
    root = write_coco(lambda content: content["annotations"].pop())
    assert open_data(str(root), settings=strict).num_classes == 2  # a picture without objects
    write_coco(one_box(0, 3, 3, 0, 4))
    with pytest.raises(UserError, match="no width or height: without --strict: left out"):
        open_data(str(root), settings=strict)
    assert found_in(root, strict=True)["box of no width or height"][0] == "refused"


def test_training_is_told_what_data_shows(write_coco) -> None:
    root = write_coco(one_box(0, 3, 3, 0, 4))
    shown = inspect_data(str(root)).findings
    assert shown == open_data(str(root)).findings
    assert [one.text for one in shown] == [
        "1 × box of no width or height: left out (instances_train.json annotation 0)"
    ]


def test_the_published_boxes_of_no_size_are_left_out(write_coco) -> None:
    """The blood cell set has two of them: corners that are equal."""
    root = write_coco(one_box(0, 12, 7, 0, 0), val=one_box(0, 5, 5, 0, 0))
    assert found_in(root)["box of no width or height"][1] == 2
    assert len(BOXES[2]) == 1
    assert boxes_in(root, "val") == []

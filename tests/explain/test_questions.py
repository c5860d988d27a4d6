"""Which class is explained, and which boxes count."""

import pytest
import torch

from attnbench.data.targets import Objects
from attnbench.errors import UserError
from attnbench.explain.pictures import Pictures
from attnbench.explain.questions import questions_for

MODEL = ("bird", "cat", "dog")


def objects(*found):
    boxes = torch.tensor([box for box, _ in found], dtype=torch.float32).reshape(-1, 4)
    return Objects(
        picture="a", size=(20, 20), boxes=boxes,
        labels=torch.tensor([label for _, label in found], dtype=torch.int64),
        crowd=torch.zeros(len(found), dtype=torch.bool), areas=torch.ones(len(found)),
    )  # fmt: skip


def pictures(class_names, *found):
    pixels = torch.zeros(len(found), 3, 20, 20, dtype=torch.uint8)
    return Pictures(
        names=tuple("abc"[: len(found)]), pixels=pixels, objects=found, class_names=class_names
    )


SMALL, LARGE, LARGEST = [0, 0, 5, 5], [5, 5, 12, 12], [0, 0, 20, 20]
SHARED = pictures(
    ("car", "dog", "cat"),
    objects((SMALL, 1), (LARGE, 2), (LARGEST, 0)),
    objects((LARGE, 1), (SMALL, 1)),
    objects((LARGEST, 0)),
)


def test_the_known_class_that_covers_most_is_asked_for():
    found = questions_for(SHARED, MODEL)
    assert found.classes.tolist() == [1, 2, -1]
    assert [one.tolist() for one in found.boxes] == [[LARGE], [LARGE, SMALL], []]


def test_a_class_that_is_asked_for_is_asked_everywhere():
    found = questions_for(SHARED, MODEL, "dog")
    assert found.classes.tolist() == [2, 2, 2]
    assert [one.tolist() for one in found.boxes] == [[SMALL], [LARGE, SMALL], []]


def test_a_detector_answers_itself_and_the_boxes_of_its_answer_count():
    found = questions_for(SHARED, MODEL, task="detection")
    assert found.classes.tolist() == [-1, -1, -1]
    kept = [one.tolist() for one in found.boxes_for([2, 1, 1])]
    assert kept == [[SMALL], [], []]
    assert [len(one) for one in found.boxes_for([-1, -1, -1])] == [0, 0, 0]


def test_data_with_other_classes_lend_all_their_boxes():
    found = questions_for(pictures(("car",), objects((SMALL, 0), (LARGE, 0))), MODEL)
    assert found.classes.tolist() == [-1]
    assert found.boxes[0].tolist() == [SMALL, LARGE]
    assert "all boxes" in found.text


def test_pictures_without_boxes_have_no_numbers():
    plain = Pictures(names=("a",), pixels=torch.zeros(1, 3, 20, 20, dtype=torch.uint8))
    found = questions_for(plain, MODEL)
    assert (found.boxes, found.text) == ((), "")


def test_a_class_that_the_model_does_not_know_is_refused():
    with pytest.raises(UserError, match="--target: expected a class of the model, got 'horse'"):
        questions_for(SHARED, MODEL, "horse")

import json

import pytest
import torch
from box_pictures import NAMES, objects, random_pairs, scored

from attnbench.data.targets import Numbers
from attnbench.errors import UserError
from attnbench.tasks.detection.entries import entries_in
from attnbench.tasks.detection.metric import BoxScores
from attnbench.tasks.detection.results import detections_of, write_results

IDS = Numbers(images={f"{i}.jpg": 100 + i for i in range(1, 10)}, categories=(3, 7, 90))


def read_results(path, *about):
    return detections_of(path, entries_in(path), *about)


def entry(image_id="1", category_id=0, bbox=(1, 2, 3, 4), score=0.5, **more):
    return {
        "image_id": image_id, "category_id": category_id, "bbox": list(bbox), "score": score, **more
    }  # fmt: skip


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "results.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


@pytest.mark.parametrize("ids", [None, IDS])
def test_what_is_written_and_read_has_the_same_scores(tmp_path, ids):
    pairs = list(random_pairs(seed=6))
    metric = scored(pairs, BoxScores(NAMES))
    write_results(tmp_path / "results.json", metric.pictures, NAMES, ids)
    targets = [target for _, target in pairs]
    found, _ = read_results(tmp_path / "results.json", targets, NAMES, ids)
    again = scored(zip(found, targets, strict=True), BoxScores(NAMES))
    assert again.compute() == metric.compute()
    assert again.compute_by_class() == metric.compute_by_class()
    for one, other in zip(metric.pictures, again.pictures, strict=True):
        assert one.scores.tolist() == other.scores.tolist()
        assert one.found.tolist() == other.found.tolist()


def test_the_numbers_of_a_coco_file_are_mapped_in_their_order(file):
    path = file([entry(109, 90), entry(101, 3)])
    targets = [objects(name=name) for name in IDS.images]
    found, notes = read_results(path, targets, NAMES, IDS)
    assert found[0].labels.tolist() == [0]
    assert found[8].labels.tolist() == [2]
    assert found[0].boxes.tolist() == [[1, 2, 4, 6]]
    assert notes == (
        "7 of 9 pictures have no entry in results.json: they count as pictures where nothing was "
        "found (2.jpg, 3.jpg, 4.jpg and 4 more)",
    )


@pytest.mark.parametrize("image_id", [139, "000139", "000139.jpg", "val/000139.jpg"])
def test_a_picture_is_known_by_any_of_its_names(file, image_id):
    path = file([entry(image_id, 0)])
    found, notes = read_results(path, [objects(name="val/000139.jpg")], NAMES)
    assert len(found[0].scores) == 1
    assert notes == ()


def test_a_name_that_means_two_pictures_is_refused(file):
    targets = [objects(name="a/1.jpg"), objects(name="b/1.jpg")]
    with pytest.raises(UserError, match="got image_id '1', which it does not have"):
        read_results(file([entry("1")]), targets, NAMES)


@pytest.mark.parametrize(("numbers", "labels"), [((0, 1), [0, 1]), ((1, 3), [0, 2])])
def test_classes_may_count_from_0_or_from_1(file, numbers, labels):
    path = file([entry(category_id=number) for number in numbers])
    found, _ = read_results(path, [objects()], NAMES)
    assert found[0].labels.tolist() == labels


def test_detections_are_sorted_by_score_and_ties_keep_their_order(file):
    path = file([entry(category_id=k, score=s) for k, s in ((0, 0.1), (1, 0.9), (2, 0.9))])
    found, _ = read_results(path, [objects()], NAMES)
    assert found[0].labels.tolist() == [1, 2, 0]
    assert found[0].scores.dtype == torch.float64  # not rounded


def test_an_empty_list_finds_nothing(file):
    found, notes = read_results(file([]), [objects(name="1"), objects(name="2")], NAMES)
    assert [len(one.scores) for one in found] == [0, 0]
    assert "2 of 2 pictures" in notes[0]


REFUSED = {
    "unknown picture": ([entry("5")], "got image_id '5', which it does not have"),
    "classes from 0 or 1": ([entry(category_id=1)], "which may be either"),
    "too many classes": ([entry(category_id=4), entry()], "expected category_id 0 to 2 or 1 to 3"),
    "unknown name": ([entry(category_name="dog")], "got 'dog'"),
    "NaN score": ([entry(score=float("nan"))], "entry 0 of image_id '1' expected a finite score"),
    "infinite box": ([entry(bbox=(0, 0, float("inf"), 1))], "entry 0 of image_id '1'"),
    "box of three": ([entry(bbox=(0, 0, 1))], "expected bbox as x, y, width, height"),
    "huge box": ([entry(bbox=(0, 0, 10**400, 1))], "expected bbox as x, y, width, height"),
    "far box": ([entry(bbox=(0, 0, 1e12, 1))], "expected a box in pixels"),
    "corners": ([entry(bbox=(9, 9, -1, 3))], "width and height of at least 0"),
    "score as text": ([entry(score="high")], "expected a finite score, got 'high'"),
    "class as text": ([entry(category_id="ant")], "whole numbers as ids"),
    "no score": ([{"image_id": 1, "category_id": 1, "bbox": []}], "lacks score"),
    "no entry": ([3], "lacks image_id"),
    "annotations": ({"annotations": []}, "got annotations"),
    "another file": ({"a": 1}, "got no list"),
    "deep JSON": ("[" * 10**5, "expected a COCO result file in JSON"),
    "no JSON": ("image_id,score", "expected a COCO result file in JSON"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_one_meaning_is_refused(file, case):
    content, message = REFUSED[case]
    with pytest.raises(UserError, match=message) as caught:
        read_results(file(content), [objects()], NAMES)
    assert "\n" not in str(caught.value)


def test_unknown_numbers_of_the_data_set_are_refused(file):
    targets = [objects(name=name) for name in IDS.images]
    for bad, message in ((entry(1, 3), "image_id 1,"), (entry(101, 1), "got 1, which")):
        with pytest.raises(UserError, match=message):
            read_results(file([bad]), targets, NAMES, IDS)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*none\.json"):
        read_results(tmp_path / "none.json", [objects()], NAMES)

"""Detection's scores against pycocotools, and their laws."""

import builtins
import contextlib
import io

import numpy as np
import pytest
import torch
from box_pictures import NAMES, detections, objects, random_pairs, scored

from attnbench.errors import UserError
from attnbench.tasks.detection.coco import found_in, truth_of
from attnbench.tasks.detection.metric import BoxScores

SUMMARY = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")


def by_pycocotools(pictures, num_classes):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = truth_of(pictures, num_classes)
        truth.createIndex()
        run = COCOeval(truth, truth.loadRes(found_in(pictures)), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    overall = dict(zip(SUMMARY, run.stats[:6], strict=True)) | {"ar100": run.stats[8]}
    by_class = [run.eval["precision"][:, :, k, 0, 2] for k in range(num_classes)]
    return overall, [table[table > -1] for table in by_class]


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("empty", [(), (1,)])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_scores_are_those_of_pycocotools(seed, ties, empty):
    pairs = random_pairs(seed=seed, ties=ties, empty=empty)
    metric = scored(pairs, BoxScores(NAMES))
    overall, by_class = by_pycocotools(metric.pictures, len(NAMES))
    for name, value in metric.compute().items():
        if value is None:
            assert overall[name] == -1
        else:
            assert value == pytest.approx(overall[name], abs=1e-9)
    for name, table in zip(NAMES, by_class, strict=True):
        ap = metric.compute_by_class()["ap"][name]
        assert ap == (pytest.approx(table.mean(), abs=1e-9) if table.size else None)


def test_more_than_100_detections_of_a_class_are_cut_as_pycocotools_cuts_them():
    boxes = [[i, i, i + 30, i + 30] for i in range(120)]
    found = detections(boxes, torch.linspace(1, 0, 120).tolist(), [0] * 120)
    metric = scored([(found, objects(boxes[90:], [0] * 30))], BoxScores(NAMES))
    overall, _ = by_pycocotools(metric.pictures, len(NAMES))
    assert metric.compute()["ap"] == pytest.approx(overall["ap"], abs=1e-9)


def test_objects_are_numbered_from_1_without_repeats():
    """COCO's evaluators take an object with number 0, or a repeated one, for never found."""
    box = [10, 10, 50, 50]
    pairs = [(detections([box], [0.9], [0]), objects([box], [0], name=str(i))) for i in range(2)]
    metric = scored(pairs, BoxScores(NAMES))
    assert metric.compute()["ap"] == pytest.approx(1.0)
    numbers = [one["id"] for one in truth_of(metric.pictures, 3)["annotations"]]
    assert numbers == [1, 2]


def test_neither_batches_nor_order_nor_merging_change_a_score():
    pairs = list(random_pairs(8, seed=3))
    whole = scored(pairs, BoxScores(NAMES))
    merged = scored(pairs[5:], BoxScores(NAMES))
    merged.merge(scored(reversed(pairs[:5]), BoxScores(NAMES)))
    at_once = BoxScores(NAMES)
    at_once.update(*zip(*pairs, strict=True))
    for other in (merged, at_once):
        assert other.compute() == whole.compute()
        assert other.compute_by_class() == whole.compute_by_class()
        assert other.compute_intervals() == whole.compute_intervals()
        assert other.outcome() == whole.outcome()


def test_adding_pictures_after_a_score_changes_it():
    box = [10, 10, 50, 50]
    metric = scored([(detections([box], [0.9], [0]), objects([box], [0]))], BoxScores(NAMES))
    assert metric.compute()["ap"] == pytest.approx(1.0)
    metric.update([detections()], [objects([box], [0], name="2")])
    assert metric.compute()["ap"] < 0.6


def test_the_order_of_detections_matters_only_where_scores_tie():
    pairs = list(random_pairs(6, seed=4, ties=False))
    turned = [(type(f)(boxes=f.boxes.flip(0), scores=f.scores.flip(0), labels=f.labels.flip(0)), o)
              for f, o in pairs]  # fmt: skip
    first, second = (scored(some, BoxScores(NAMES)) for some in (pairs, turned))
    assert first.compute() == second.compute()


def test_scores_do_not_depend_on_the_size_that_the_model_sees():
    """Squashing changes boxes and areas; scores are those of the original."""
    pairs = list(random_pairs(6, seed=5))
    squashed = [
        (found, type(target)(**{
            **{name: getattr(target, name) for name in target.__slots__},
            "boxes": target.boxes * torch.tensor([0.5, 0.25, 0.5, 0.25]), "seen": (120, 320),
        }))
        for found, target in pairs
    ]  # fmt: skip
    first, second = (scored(some, BoxScores(NAMES)) for some in (pairs, squashed))
    assert first.compute() == pytest.approx(second.compute())


def test_a_class_or_a_size_without_objects_has_no_score_but_a_reason():
    box = [10, 10, 50, 50]  # medium
    metric = scored([(detections([box], [0.9], [0]), objects([box], [0]))], BoxScores(NAMES))
    assert metric.compute()["ap_small"] is None
    assert metric.compute_by_class()["ap"] == {"ant": pytest.approx(1.0), "bee": None, "cat": None}
    assert metric.notes() == (
        "classes without objects enter no mean: bee, cat",
        "no score for sizes without objects: small, large",
    )


def test_finding_nothing_is_an_ap_of_0_and_says_so():
    metric = scored([(detections(), objects([[0, 0, 50, 50]], [0]))], BoxScores(["ant"]))
    assert metric.compute()["ap"] == 0
    assert metric.notes()[0] == "the model found nothing in any picture: AP is 0"
    assert metric.compute_intervals() == {}


def test_without_any_object_there_is_no_score():
    for pairs in ([], [(detections([[0, 0, 9, 9]], [0.5], [1]), objects())]):
        metric = scored(pairs, BoxScores(NAMES))
        assert set(metric.compute().values()) == {None}
        assert "no picture has an object" in metric.notes()[0]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("where", ["box", "score"])
def test_a_prediction_that_is_not_finite_names_its_picture(bad, where):
    found = detections([[0, 0, bad if where == "box" else 9, 9]], [bad if where == "score" else 1],
                       [0])  # fmt: skip
    with pytest.raises(UserError, match=r"NaN or infinity for picture 17\.jpg"):
        BoxScores(NAMES).update([found], [objects(name="17.jpg")])


def test_a_missing_evaluator_is_named_with_its_extra(monkeypatch):
    original = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "faster_coco_eval":
            raise ModuleNotFoundError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"attnbench\[detection\]"):
        BoxScores(NAMES)


def test_numbers_in_names_are_sorted_by_value():
    metric = BoxScores(NAMES)
    for name in ("10.jpg", "9.jpg", "a/2.jpg", "a/10.jpg"):
        metric.update([detections()], [objects(name=name)])
    assert [one.name for one in metric.pictures] == ["9.jpg", "10.jpg", "a/2.jpg", "a/10.jpg"]
    assert np.isfinite(metric.pictures[0].scores).all()

"""Curves, intervals and confusion: all from the same pairs of detections and objects."""

import numpy as np
import pytest
from box_pictures import NAMES, detections, objects, random_pairs, scored

from attnbench.scoring.precision import precision_of_draws
from attnbench.tasks.detection.bootstrap import intervals_of
from attnbench.tasks.detection.coco import _tables
from attnbench.tasks.detection.confusion import confusion_of
from attnbench.tasks.detection.curves import curves_of
from attnbench.tasks.detection.matching import matches_of_class
from attnbench.tasks.detection.metric import BoxScores

ANT, BEE, BACKGROUND = 0, 1, 3


def pictures_of(*args, **kwargs):
    return scored(random_pairs(*args, **kwargs), BoxScores(NAMES)).pictures


@pytest.mark.parametrize("seed", range(3))
def test_curves_are_those_of_the_evaluator(seed):
    pictures = pictures_of(seed=seed, empty=(2,) if seed == 2 else ())
    precision, recall = _tables(pictures, len(NAMES))
    for label, curve in enumerate(curves_of(pictures, NAMES)):
        if not curve.objects:
            assert (precision[:, :, label] == -1).all()
            continue
        np.testing.assert_allclose(curve.precisions, precision[0, :, label, 0], atol=1e-12)
        reached = np.flatnonzero(curve.precisions)[-1] / 100
        assert reached <= recall[0, label, 0] + 1e-9 < reached + 0.01 + 1e-9
        assert list(curve.scores) == sorted(curve.scores, reverse=True)


@pytest.mark.parametrize("seed", range(3))
def test_drawing_a_picture_twice_is_having_it_twice(seed):
    """The weights of a draw against the evaluator on the drawn set."""
    pictures = pictures_of(6, seed=seed, ties=False)
    times = np.random.default_rng(seed).multinomial(6, [1 / 6] * 6, size=4)
    for row in times:
        drawn = [one for one, count in zip(pictures, row, strict=True) for _ in range(count)]
        precision, _ = _tables(drawn, len(NAMES))
        for label in range(len(NAMES)):
            got = precision_of_draws(row[None], matches_of_class(pictures, label))[0]
            expected = precision[:, :, label, 0].mean(axis=1)
            if expected[0] == -1:
                assert np.isnan(got).all()
            else:
                np.testing.assert_allclose(got, expected, atol=1e-9)


def test_the_interval_holds_the_score_and_narrows_with_more_pictures():
    widths = []
    for count in (12, 100):
        metric = scored(random_pairs(count, seed=1), BoxScores(NAMES))
        for name, (low, high) in metric.compute_intervals().items():
            assert low < metric.compute()[name] < high
        low, high = metric.compute_intervals()["ap"]
        widths.append(high - low)
    assert widths[1] < 0.7 * widths[0]


def test_draws_in_pieces_are_the_same_draws(monkeypatch):
    pictures = pictures_of(5, seed=2)
    whole = intervals_of(pictures, len(NAMES))
    monkeypatch.setattr("attnbench.scoring.precision.MOST_NUMBERS", 100)
    assert intervals_of(pictures, len(NAMES)) == whole


def counted(found, target):
    picture = scored([(found, target)], BoxScores(NAMES)).pictures
    return np.array(confusion_of(picture, NAMES).counts)


def test_each_object_is_paired_once_and_the_rest_is_background():
    near, far = [10, 10, 50, 50], [200, 200, 260, 260]
    counts = counted(
        detections([near, near, far, far], [0.9, 0.8, 0.7, 0.2], [BEE, ANT, ANT, ANT]),
        objects([near, [400, 300, 450, 350]], [ANT, BEE]),
    )
    assert counts[ANT, BEE] == 1  # the best score takes it, of whatever class
    assert counts[BACKGROUND, ANT] == 2  # the second on the same object, and the one far away
    assert counts[BEE, BACKGROUND] == 1  # not found
    assert counts.sum() == 4  # a score of 0.2 does not count


def test_what_lies_in_a_crowd_is_neither_right_nor_wrong():
    crowd = objects([[0, 0, 100, 100]], [ANT], crowd=[True])
    inside, outside = [10, 10, 30, 30], [200, 200, 230, 230]
    counts = counted(detections([inside, outside], [0.9, 0.9], [ANT, ANT]), crowd)
    assert counts.sum() == counts[BACKGROUND, ANT] == 1


@pytest.mark.parametrize("seed", range(2))
def test_rows_add_up_to_the_objects_and_columns_to_the_detections(seed):
    pictures = pictures_of(seed=seed, crowds=0.0)
    counts = np.array(confusion_of(pictures, NAMES).counts)
    labels = np.concatenate([one.labels for one in pictures])
    found = np.concatenate([one.found_labels[one.scores >= 0.25] for one in pictures])
    assert counts[:-1].sum(axis=1).tolist() == np.bincount(labels, minlength=3).tolist()
    assert counts[:, :-1].sum(axis=0).tolist() == np.bincount(found, minlength=3).tolist()

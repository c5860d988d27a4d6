"""Scores of classes and of confidence are what a count by hand gives."""

import numpy as np
import pytest

from attnbench.scoring.classes import BINS, calibration_error, class_scores, confusion
from attnbench.scoring.outcomes import Outcomes


def outcomes(truth, found, confidence=None):
    sure = np.full(len(truth), 0.5) if confidence is None else np.array(confidence)
    arrays = {
        "truth": np.array(truth, "int32"), "found": np.array(found, "int32"),
        "confidence": sure.astype("float16"),
    }  # fmt: skip
    return Outcomes(kind="classes", images=tuple(map(str, range(len(truth)))), arrays=arrays)


def test_each_class_has_its_share_and_its_most_frequent_mistake():
    given = outcomes(truth=[0, 0, 0, 0, 1, 1], found=[0, 1, 1, 2, 1, 1])
    counts = confusion(given, 4)
    assert counts.tolist() == [[1, 2, 1, 0], [0, 2, 0, 0], [0] * 4, [0] * 4]
    first, second, third, fourth = class_scores(counts, ("a", "b", "c", "d"))
    assert (first.images, first.accuracy, first.precision, first.taken_for) == (4, 0.25, 1.0, "b")
    assert (second.images, second.accuracy, second.precision, second.taken_for) == (2, 1.0, 0.5, "")
    assert (third.images, third.accuracy, third.precision) == (0, None, 0.0)
    assert (fourth.images, fourth.accuracy, fourth.precision) == (0, None, None)


def test_a_model_that_is_right_as_often_as_it_is_sure_has_no_calibration_error():
    given = outcomes([0] * 4, [0, 0, 0, 1], [0.75] * 4)
    assert calibration_error(given) == 0
    assert calibration_error(outcomes([0, 1], [1, 0], [1.0, 1.0])) == 1


@pytest.mark.parametrize("seed", range(3))
def test_the_calibration_error_is_that_of_its_definition(seed):
    draw = np.random.default_rng(seed)
    sure = draw.random(301).astype("float16")
    given = outcomes(draw.integers(3, size=301), draw.integers(3, size=301), sure)
    right, expected = given.arrays["truth"] == given.arrays["found"], 0.0
    for place in range(BINS):
        inside = (sure > place / BINS) & (sure <= (place + 1) / BINS)
        if inside.any():
            gap = right[inside].mean() - sure[inside].astype(float).mean()
            expected += abs(gap) * inside.mean()
    assert calibration_error(given) == pytest.approx(expected)

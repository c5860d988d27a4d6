import pytest
import torch
from sklearn.metrics import confusion_matrix

from attnbench.data.targets import IGNORE, LabelMap
from attnbench.tasks.segmentation.intervals import intervals_of
from attnbench.tasks.segmentation.metric import (
    ConfusionMatrix,
    confusion,
    iou_of,
    pixels_of,
    scores_of,
)

NAMES = ("sky", "tree", "road", "pole")


def pictures(count=5, seed=0, ignored=0.2):
    """Predictions and label maps of odd sizes, some pixels ignored."""
    generator = torch.Generator().manual_seed(seed)
    for number in range(count):
        size = (3 + number, 7)
        labels = torch.randint(4, size, generator=generator).to(torch.uint8)
        predicted = torch.where(
            torch.rand(size, generator=generator) < 0.6,
            labels.long(), torch.randint(4, size, generator=generator),
        )  # fmt: skip
        labels[torch.rand(size, generator=generator) < ignored] = IGNORE
        yield predicted, LabelMap(picture=str(number), labels=labels)


def metric_of(pairs):
    metric = ConfusionMatrix(NAMES)
    for predicted, target in pairs:
        metric.update([predicted], [target])
    return metric


def test_the_matrix_is_that_of_scikit_learn():
    for predicted, target in pictures():
        known = target.labels != IGNORE
        expected = confusion_matrix(target.labels[known], predicted[known], labels=range(4))
        assert confusion(predicted, target.labels, 4).tolist() == expected.tolist()


def test_unions_are_added_over_the_set_before_they_are_divided():
    first = (torch.tensor([[0, 0, 0, 1]]), torch.tensor([[0, 0, 0, 0]]))
    second = (torch.tensor([[1, 1]]), torch.tensor([[1, 1]]))
    metric = ConfusionMatrix(("a", "b"))
    for predicted, labels in (first, second):
        metric.update([predicted], [LabelMap(picture="", labels=labels.to(torch.uint8))])
    # class a: 3 of 4; class b: 2 of 3
    assert metric.compute()["miou"] == pytest.approx((3 / 4 + 2 / 3) / 2)
    assert metric.compute()["macc"] == pytest.approx((3 / 4 + 1) / 2)
    assert metric.compute()["aacc"] == pytest.approx(5 / 6)


def test_a_class_that_occurs_nowhere_enters_no_mean():
    matrix = torch.tensor([[5, 0, 0], [0, 3, 0], [0, 0, 0]])
    assert scores_of(matrix) == {"miou": 1.0, "macc": 1.0, "aacc": 1.0}
    metric = ConfusionMatrix(("a", "b", "c"))
    metric.pictures.append(matrix)
    assert metric.compute_by_class()["iou"] == {"a": 1.0, "b": 1.0, "c": None}


def test_a_class_that_is_only_predicted_has_no_accuracy_and_an_iou_of_0():
    matrix = torch.tensor([[4, 1], [0, 0]])
    assert scores_of(matrix)["miou"] == pytest.approx((4 / 5 + 0) / 2)
    assert scores_of(matrix)["macc"] == pytest.approx(4 / 5)


def test_nothing_known_gives_no_score():
    metric = metric_of([(torch.zeros(2, 2, dtype=torch.int64),
                         LabelMap(picture="", labels=torch.full((2, 2), IGNORE)))])  # fmt: skip
    assert metric.compute() == {"miou": None, "macc": None, "aacc": None}


def test_merging_and_order_change_nothing():
    pairs = list(pictures())
    whole, parts = metric_of(pairs), metric_of(pairs[3:])
    parts.merge(metric_of(pairs[:3]))
    assert parts.compute() == whole.compute()


def test_more_pixels_than_float32_counts_are_counted():
    matrix = torch.tensor([[2**30 + 1, 1], [0, 2**30]])
    assert iou_of(matrix)[0].item() == (2**30 + 1) / (2**30 + 2)


def test_the_interval_holds_the_score_and_narrows_with_more_pictures():
    few, many = (metric_of(pictures(count)) for count in (10, 160))
    widths = []
    for metric in (few, many):
        low, high = metric.compute_intervals()["miou"]
        assert low < metric.compute()["miou"] < high
        widths.append(high - low)
    assert widths[1] < 0.5 * widths[0]
    assert few.compute_intervals() == few.compute_intervals()
    assert intervals_of(pixels_of(few.pictures[:1], 4)) == {}


def test_pictures_without_known_pixels_spoil_no_interval():
    known, nothing = torch.tensor([[3, 1], [0, 4]]), torch.zeros(2, 2, dtype=torch.int64)
    low, high = intervals_of(pixels_of([known, nothing], 2))["miou"]
    assert low == high == pytest.approx((3 / 4 + 4 / 5) / 2)
    assert intervals_of(pixels_of([nothing, nothing], 2)) == {}

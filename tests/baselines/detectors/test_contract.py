"""The contract of `Detector`, for every detector in the table, ours and other people's."""

import copy

import pytest
import torch
from torch.utils._pytree import tree_flatten, tree_map

from attnbench.data.targets import Detections
from attnbench.models.factory import create_model
from attnbench.registry import MODELS
from attnbench.tasks.detection.detector import Detector
from tests.tasks.detection.boxes import objects

CLASSES = 3
SIZE = (64, 96)
ROWS = [entry for entry in MODELS.list() if entry.task == "detection"]
KINDS = {(row.target, row.options.get("attention")): row.name for row in reversed(ROWS)}
"""The first row of each builder and each attention; the others differ in size alone."""


@pytest.fixture(scope="module", params=KINDS.values())
def detector(request):
    if request.param.startswith("efficientdet"):
        pytest.importorskip("effdet")
    torch.manual_seed(0)
    return create_model(request.param, CLASSES, SIZE)


def shapes(outputs):
    leaves, form = tree_flatten(outputs)
    assert all(isinstance(leaf, torch.Tensor) for leaf in leaves)
    return form, [leaf.shape for leaf in leaves]


def noisy(outputs):
    """Outputs as of a trained network: some scores are high; distances stay distances."""

    def shaken(one):
        other = one + 3 * torch.randn_like(one)
        return other.abs() if (one >= 0).all() else other

    return tree_map(shaken, outputs)


def test_gradients_reach_every_weight_and_the_outputs_do_not_know_the_mode(detector):
    assert isinstance(detector, Detector)
    images, targets = (
        torch.randn(3, 3, *SIZE),
        [objects(n, SIZE, CLASSES, seed=n) for n in (4, 0, 1)],
    )
    trained = detector.train()(images)
    loss = detector.loss(trained, targets)
    assert loss.shape == ()
    assert loss.isfinite()
    loss.backward()
    for name, weight in detector.named_parameters():
        assert weight.requires_grad, name
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name
    copied = copy.deepcopy(detector).eval()
    with torch.no_grad():
        assert shapes(copied(images)) == shapes(trained)


@pytest.mark.parametrize("size", [SIZE, (75, 53)])
def test_detections_are_sorted_few_and_of_their_types(detector, size):
    with torch.no_grad():
        outputs = noisy(detector.eval()(torch.randn(2, 3, *size)))
    found = detector.detections(outputs, [objects(0), objects(2)])
    assert len(found) == 2
    for one in found:
        assert isinstance(one, Detections)
        count = len(one.labels)
        assert 0 < count <= 100
        assert one.boxes.shape == (count, 4)
        assert one.boxes.dtype == one.scores.dtype == torch.float32
        assert one.labels.dtype == torch.int64
        assert (one.scores.diff() <= 0).all()
        assert one.scores.min() >= 0
        assert one.scores.max() <= 1
        assert one.labels.min() >= 0
        assert one.labels.max() < CLASSES
        assert (one.boxes[:, 2:] >= one.boxes[:, :2]).all()


@pytest.mark.parametrize("crowds", [0, 2])
def test_without_objects_the_loss_is_finite(detector, crowds):
    outputs = detector.train()(torch.randn(2, 3, *SIZE))
    loss = detector.loss(outputs, [objects(crowds, SIZE, CLASSES, crowds)] * 2)
    assert loss.isfinite()
    loss.backward()


def test_half_precision_outputs_give_the_same_loss(detector):
    targets = [objects(n, SIZE, CLASSES, seed=n) for n in (3, 2)]
    with torch.no_grad():
        outputs = tree_map(lambda one: one.bfloat16(), detector.eval()(torch.randn(2, 3, *SIZE)))
    exact = tree_map(lambda one: one.float(), outputs)
    torch.testing.assert_close(detector.loss(outputs, targets), detector.loss(exact, targets))


def test_fresh_weights_answer_each_picture_differently(detector):
    """But for outputs of one value, such as a bias that drowns what a picture adds to it."""
    fresh = copy.deepcopy(detector).eval()
    with torch.no_grad():
        one, other = (tree_flatten(fresh(torch.randn(1, 3, *SIZE)))[0] for _ in range(2))
    telling = [pair for pair in zip(one, other, strict=True) if len(pair[0].unique()) > 1]
    assert telling
    assert not any(torch.equal(*pair) for pair in telling)

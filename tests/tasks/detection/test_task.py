import pytest
import torch
from box_pictures import NAMES, detections, objects
from torch import nn

from attnbench.errors import UserError
from attnbench.spec import Recipe
from attnbench.tasks.detection.detector import Detector
from attnbench.tasks.detection.task import Detection

RECIPE = Recipe(data="noise", img_size=(64, 64), epochs=1)


class Fixed(Detector):
    """Finds the same box in every picture."""

    def forward(self, images):
        return images

    def loss(self, outputs, targets):
        return torch.tensor(float(len(targets)))

    def detections(self, outputs, targets):
        return [detections([[-4, 8, 32, 70]], [0.5], [1]) for _ in targets]


def test_detections_are_put_into_pixels_of_the_original_and_cut_at_its_border():
    target = objects(size=(240, 320), seen=(64, 64))
    (found,) = Detection().predict(Fixed(), None, [target])
    assert found.boxes.tolist() == [[0, 30, 160, 240]]
    assert found.labels.tolist() == [1]


def test_a_perfect_detector_scores_1_at_any_size():
    target = objects([[16, 8, 32, 48]], [1], size=(240, 320), seen=(64, 64))
    metric = Detection().metric(NAMES)
    found = detections([[16, 8, 32, 48]], [0.5], [1])
    model = Fixed()
    model.detections = lambda outputs, targets: [found]
    metric.update(Detection().predict(model, None, [target]), [target])
    assert metric.compute()["ap"] == pytest.approx(1.0)


def test_the_loss_is_the_detectors_own():
    assert Detection().loss(Fixed(), None, [objects(), objects()], RECIPE).item() == 2


def test_a_model_that_is_no_detector_is_refused():
    with pytest.raises(UserError, match="expects a detector, got Linear"):
        Detection().predict(nn.Linear(1, 1), None, [])

"""The adapters of torchvision's detectors give its own losses and detections."""

import pytest
import torch
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import clip_boxes_to_image

from attnbench.errors import UserError
from attnbench.models.factory import create_model
from baselines.detectors.ssdlite.anchors import GridAnchors
from tests.tasks.detection.boxes import objects

NAMES = ["ssdlite-mobilenetv2", "ssdlite-mobilenetv3", "fcos-r50", "retinanet-r50"]
CLASSES = 3
SIZE = (64, 96)


def spread(head, maps, outputs):
    """Outputs without ties, the same at each call; distances are not negative."""
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(one.shape, generator=generator).abs()
            for name, one in outputs.items()}  # fmt: skip


@pytest.fixture(scope="module", params=NAMES)
def detector(request):
    torch.manual_seed(0)
    model = create_model(request.param, CLASSES, SIZE)
    model.model.transform = GeneralizedRCNNTransform(*SIZE, [0.0] * 3, [1.0] * 3)
    model.model.head.register_forward_hook(spread)
    return model.eval()


def test_the_loss_is_torchvisions(detector):
    images, targets = (
        torch.rand(3, 3, *SIZE),
        [objects(n, SIZE, CLASSES, seed=n) for n in (4, 0, 2)],
    )
    plain = [{"boxes": one.boxes, "labels": one.labels + detector.first_label} for one in targets]
    # Only the outer model asks for its losses; norms inside it stay as they are in evaluation.
    detector.model.training = True
    expected = sum(detector.model(list(images), plain).values())
    detector.model.training = False
    torch.testing.assert_close(detector.loss(detector(images), targets), expected)


def test_the_best_detection_is_torchvisions(detector):
    images = torch.rand(2, 3, *SIZE)
    with torch.no_grad():
        expected = detector.model(list(images))
        found = detector.detections(detector(images), [objects(0)] * 2)
    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine.scores[0], theirs["scores"][0])
        torch.testing.assert_close(
            clip_boxes_to_image(mine.boxes[:1], SIZE), theirs["boxes"][:1], atol=1e-3, rtol=1e-4
        )
        assert mine.labels[0] == theirs["labels"][0] - detector.first_label


def test_anchors_are_those_of_torchvision_but_on_the_finest_map():
    images = ImageList(torch.empty(1, 3, 320, 200), [(320, 200)])
    maps = [torch.empty(1, 1, *shape) for shape in ((20, 13), (10, 7), (5, 4), (3, 2))]
    (mine,) = GridAnchors(4)(images, maps)
    (theirs,) = DefaultBoxGenerator([[2, 3]] * 4, 0.2, 0.95)(images, maps)
    assert len(mine) == len(theirs) - 3 * 20 * 13
    torch.testing.assert_close(mine[3 * 20 * 13 :], theirs[6 * 20 * 13 :])


@pytest.mark.parametrize("name", ["mobiledet-cpu", "ssdlite-mobilenetv3"])
def test_one_small_picture_cannot_train_ssdlite(name):
    model = create_model(name, CLASSES, 64).train()
    with pytest.raises(UserError, match=r"at least 2 images a step.*raise --batch-size"):
        model(torch.randn(1, 3, 64, 64))

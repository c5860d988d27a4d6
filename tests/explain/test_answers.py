"""What is explained of detectors and segmenters: against autograd by hand."""

import pytest
import torch

from attnbench.errors import UserError
from attnbench.explain.answers import FIRST_ANSWER, NOTHING, answerer_of, of_detections, of_pixels
from attnbench.explain.explained import explain
from attnbench.explain.grad_cam import grad_cam
from attnbench.explain.layer import layer_of
from attnbench.explain.pictures import Pictures
from attnbench.explain.questions import Questions
from attnbench.models.backbone import Backbone, FeatureInfo
from attnbench.tasks.detection.picodet.head import cells_of
from attnbench.tasks.detection.picodet.model import PicoDet
from attnbench.tasks.segmentation.segmenter import Segmenter

IMAGES = torch.randn(2, 3, 40, 64, generator=torch.Generator().manual_seed(0))
OWN = torch.full((2,), FIRST_ANSWER)


class Trunk(Backbone):
    """Three maps, made one from the other."""

    def __init__(self):
        super().__init__()
        self.feature_info = [FeatureInfo(channels=8, stride=stride) for stride in (8, 16, 32)]
        self.convs = torch.nn.ModuleList(
            torch.nn.Conv2d(channels, 8, 3, stride, 1)
            for channels, stride in ((3, 8), (8, 2), (8, 2))
        )

    def features(self, images):
        maps = [self.convs[0](images)]
        for conv in self.convs[1:]:
            maps.append(conv(maps[-1].tanh()))
        return maps


@pytest.fixture
def detector():
    model = PicoDet(Trunk(), 3, neck_dim=8, depth=1).eval()
    for output in model.head.outputs:
        torch.nn.init.normal_(output.weight, std=0.5)
        output.bias.data[:2] = 0.0  # the third class keeps the low score that it starts with
        output.bias.data[2] = -20.0
    return model


@pytest.fixture
def segmenter():
    class Head(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.classify = torch.nn.Conv2d(8, 3, 1)

        def forward(self, maps):
            return self.classify(maps[-1].tanh()) + self.classify(maps[0])[..., ::4, ::4]

    return Segmenter(Trunk(), Head()).eval()


def by_hand(model, score_of):
    """Grad-CAM of the coarsest map, whose gradient autograd gives."""
    features = model.backbone.features
    maps = features(IMAGES)
    coarsest = maps[-1].detach().requires_grad_()
    model.backbone.features = lambda images: [*(one.detach() for one in maps[:-1]), coarsest]
    (slopes,) = torch.autograd.grad(score_of(model(IMAGES)), coarsest)
    del model.backbone.features
    return (slopes.mean((2, 3), keepdim=True) * coarsest.detach()).sum(1).relu()


def test_the_best_detection_is_explained_as_the_logit_of_its_cell(detector):
    """The score is a sigmoid of that logit, which changes a map by a factor alone."""
    found = grad_cam(detector, IMAGES, OWN, "backbone", of_detections)
    logits = cells_of(detector(IMAGES), detector.neck.strides, 3).classes
    best = logits.flatten(1).argmax(1)
    assert found.classes.tolist() == (best % 3).tolist()
    torch.testing.assert_close(found.shares, logits.flatten(1).amax(1).sigmoid().detach())
    expected = by_hand(
        detector,
        lambda outputs: (
            cells_of(outputs, detector.neck.strides, 3)
            .classes.flatten(1)
            .gather(1, best[:, None])
            .sum()
        ),
    )
    slope = (found.shares * (1 - found.shares))[:, None, None]
    torch.testing.assert_close(found.maps, expected * slope)
    assert [len(box) for box in found.detected] == [4, 4]


def test_a_class_that_is_not_found_has_an_empty_map(detector):
    found = grad_cam(detector, IMAGES, torch.tensor([2, 0]), "backbone", of_detections)
    assert found.there.tolist() == [False, True]
    assert found.classes.tolist() == [2, 0]
    assert not found.maps[0].any()
    assert found.detected[0] == ()


def test_nothing_at_all_is_found(detector):
    for output in detector.head.outputs:
        output.bias.data[:2] = -50.0
    found = grad_cam(detector, IMAGES, OWN, "backbone", of_detections)
    assert found.classes.tolist() == [NOTHING, NOTHING]
    assert not found.maps.any()


def test_the_pixels_of_a_class_are_explained_by_their_mean_logit(segmenter):
    found = grad_cam(segmenter, IMAGES, OWN, "backbone", of_pixels)
    given = segmenter(IMAGES)[0].argmax(1)
    counts = torch.stack([(given == label).sum((1, 2)) for label in range(3)], 1)
    assert found.classes.tolist() == counts.argmax(1).tolist()
    torch.testing.assert_close(found.shares, counts.amax(1) / given[0].numel())

    def score_of(outputs):
        return sum(
            outputs[0][place, label][given[place] == label].mean()
            for place, label in enumerate(found.classes.tolist())
        )

    torch.testing.assert_close(found.maps, by_hand(segmenter, score_of))


def test_a_class_of_no_pixel_is_explained_over_all(segmenter):
    segmenter.head.classify.bias.data[1] = -50.0
    found = grad_cam(segmenter, IMAGES, torch.ones(2, dtype=torch.int64), "backbone", of_pixels)
    assert found.shares.tolist() == [0, 0]
    expected = by_hand(segmenter, lambda outputs: outputs[0][:, 1].mean((1, 2)).sum())
    torch.testing.assert_close(found.maps, expected)


def test_the_map_of_a_backbone_is_looked_at_and_nothing_stays(detector, segmenter):
    for model in (detector, segmenter):
        assert layer_of(model, IMAGES[:1]) == "backbone"
        assert "features" not in vars(model.backbone)


def test_scores_outside_of_the_graph_are_refused(detector):
    detections = detector.detections
    detector.detections = torch.no_grad()(
        lambda outputs, targets: detections([one.detach() for one in outputs], targets)
    )
    with pytest.raises(UserError, match="cannot be differentiated"):
        grad_cam(detector, IMAGES, OWN, "backbone", of_detections)


def test_an_answer_that_no_map_leads_to_is_told(segmenter):
    segmenter.head.forward = lambda maps: segmenter.head.classify(maps[0])
    pixels = torch.zeros(2, 3, 40, 64, dtype=torch.uint8)
    pictures = Pictures(names=("a", "b"), pixels=pixels)
    with pytest.raises(UserError, match=r"no gradient reaches .* backbone: .* --layer"):
        explain(
            segmenter, "abc", pictures, Questions(classes=OWN, boxes=(), text=""),
            task="segmentation",
        )  # fmt: skip


def test_a_task_of_a_plugin_is_refused():
    with pytest.raises(UserError, match="expected a model of classification, detection"):
        answerer_of("depth")

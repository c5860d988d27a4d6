"""Loss, predictions and transforms; and that it learns."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from attnbench.data.augment import normalise
from attnbench.data.targets import IGNORE, LabelMap
from attnbench.models.factory import create_model
from attnbench.spec import Recipe
from attnbench.tasks.segmentation.task import Segmentation

TASK, MODEL = Segmentation(), nn.Identity()
RECIPE = Recipe(data="noise", img_size=(8, 12), epochs=1, label_smoothing=0.0)


def label_maps(*maps):
    return [
        LabelMap(picture=str(i), labels=labels.to(torch.uint8)) for i, labels in enumerate(maps)
    ]


def test_the_loss_is_the_mean_over_known_pixels_of_enlarged_logits():
    logits, labels = torch.randn(2, 5, 4, 6), torch.randint(5, (2, 8, 12))
    labels[0, :3] = IGNORE
    loss = TASK.loss(MODEL, [logits], label_maps(*labels), RECIPE)
    large = F.interpolate(logits, size=(8, 12), mode="bilinear", align_corners=False)
    torch.testing.assert_close(loss, F.cross_entropy(large, labels, ignore_index=IGNORE))
    both = TASK.loss(MODEL, [logits, logits], label_maps(*labels), RECIPE)
    torch.testing.assert_close(both, 1.4 * loss)


def test_a_batch_that_is_ignored_as_a_whole_has_loss_0_and_gradients():
    logits = torch.randn(1, 5, 4, 6, requires_grad=True)
    loss = TASK.loss(MODEL, [logits], label_maps(torch.full((8, 12), IGNORE)), RECIPE)
    loss.backward()
    assert loss == 0
    assert (logits.grad == 0).all()


def test_logits_are_resized_to_each_picture_before_the_choice():
    logits = torch.randn(2, 3, 4, 6)
    given = label_maps(torch.zeros(9, 5), torch.zeros(16, 24))
    for one, target, predicted in zip(
        logits, given, TASK.predict(MODEL, [logits], given), strict=True
    ):
        large = F.interpolate(one[None], size=target.labels.shape, mode="bilinear")
        assert torch.equal(predicted, large.argmax(1)[0])


@pytest.mark.parametrize("flip", [False, True])
def test_pictures_and_labels_move_together(flip):
    """A picture whose grey level says its class: after moving it still does."""
    labels = torch.randint(4, (6, 3, 4)).repeat_interleave(16, 1).repeat_interleave(16, 2)
    images = (60 * labels)[:, None].repeat(1, 3, 1, 1).to(torch.uint8)
    transform = TASK.transforms(replace(RECIPE, flip=flip), train=True)
    moved, targets = transform(images, label_maps(*labels), torch.Generator().manual_seed(0))
    assert moved.shape == images.shape
    for picture, target in zip(moved, targets, strict=True):
        known = target.labels != IGNORE
        expected = normalise((60 * target.labels)[None, None].to(torch.uint8))[0, 0]
        off = (picture[0] - expected).abs()[known]
        assert (off < 1e-3).float().mean() > 0.75  # all but the borders between classes
        assert (picture[:, ~known].abs() < 2).all()


def test_without_enlargement_and_flip_nothing_moves():
    images, labels = torch.randint(256, (3, 3, 7, 9)).to(torch.uint8), torch.randint(5, (3, 7, 9))
    labels[1, 2] = IGNORE
    transform = TASK.transforms(replace(RECIPE, scales=(1.0, 1.0)), train=True)
    moved, targets = transform(images, label_maps(*labels), torch.Generator().manual_seed(0))
    torch.testing.assert_close(moved, normalise(images), atol=1e-4, rtol=1e-4)
    assert all(torch.equal(t.labels.long(), own) for t, own in zip(targets, labels, strict=True))


def test_coloured_shapes_are_learnt():
    torch.manual_seed(0)
    labels = torch.zeros(4, 32, 48)
    labels[:, 4:20, 8:30] = 1
    labels[:, 22:30, 20:44] = 2
    colours = torch.tensor([[20, 20, 20], [200, 30, 30], [30, 30, 200]], dtype=torch.uint8)
    images, targets = colours[labels.long()].permute(0, 3, 1, 2), label_maps(*labels)
    model = create_model("semantic-fpn:anchorformer-t", 3, (32, 48), head_width=16,
                         attention_options={"num_anchors": 4})  # fmt: skip
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(25):
        optimizer.zero_grad()
        TASK.loss(model, model(normalise(images)), targets, RECIPE).backward()
        optimizer.step()
    model.eval()
    metric = TASK.metric(("ground", "red", "blue"))
    with torch.no_grad():
        metric.update(TASK.predict(model, model(normalise(images)), targets), targets)
    assert metric.compute()["miou"] > 0.8

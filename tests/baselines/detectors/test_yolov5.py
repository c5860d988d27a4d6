"""YOLOv5: assignment and loss against plain loops, and that it learns."""

from dataclasses import replace
from math import floor

import pytest
import torch
from torch.nn import functional as F
from torchvision.ops import complete_box_iou

from attnbench.models.factory import create_model
from attnbench.tasks.detection.padding import padded
from baselines.detectors.yolo.yolov5 import BALANCE, Yolov5
from baselines.detectors.yolo.yolov5_assignment import matches_of
from baselines.detectors.yolo.yolov5_head import ANCHORS, level_of
from tests.tasks.detection.boxes import objects

CPU = torch.device("cpu")
CLASSES = 3
SIZE = (64, 96)
STRIDES = (8, 16, 32)


def random_outputs(batch, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(batch, 3, 5 + CLASSES, SIZE[0] // s, SIZE[1] // s, generator=generator)
        for s in STRIDES
    ]


def plain_matches(target, anchors, stride):
    """{(anchor, row, column, object)} by loops."""
    rows, columns = SIZE[0] // stride, SIZE[1] // stride
    found = set()
    for index, box in enumerate(target.boxes.tolist()):
        if target.crowd[index]:
            continue
        width, height = box[2] - box[0], box[3] - box[1]
        x, y = (box[0] + box[2]) / 2 / stride, (box[1] + box[3]) / 2 / stride
        column, row = floor(x), floor(y)
        cells = [
            (row, column),
            (row, column - 1 if x - column < 0.5 else column + 1),
            (row - 1 if y - row < 0.5 else row + 1, column),
        ]
        for number, (w, h) in enumerate(anchors):
            if max(width / w, w / width, height / h, h / height) < 4:
                found |= {(number, r, c, index) for r, c in cells
                          if 0 <= r < rows and 0 <= c < columns}  # fmt: skip
    return found


def target_sets(crowds=0):
    return [objects(n, SIZE, CLASSES, crowds, seed=n) for n in (9, 2 + crowds, crowds)]


@pytest.mark.parametrize("crowds", [0, 2])
def test_the_matches_are_those_of_plain_loops(crowds):
    targets = target_sets(crowds)
    for output, anchors, stride in zip(random_outputs(3), ANCHORS, STRIDES, strict=True):
        level = level_of(output, anchors, stride)
        picture, place, which = matches_of(level, padded(targets, CPU))
        rows, columns = level.size
        for number, target in enumerate(targets):
            mine = picture == number
            found = {
                (p // (rows * columns), p // columns % rows, p % columns, w)
                for p, w in zip(place[mine].tolist(), which[mine].tolist(), strict=True)
            }
            assert found == plain_matches(target, anchors, stride)
            assert len(found) == mine.sum()


def plain_box(output, anchors, stride, picture, anchor, row, column):
    raw = output[picture, anchor, :, row, column].double()
    x, y = (2 * raw[:2].sigmoid() - 0.5 + torch.tensor([column, row])) * stride
    w, h = (2 * raw[2:4].sigmoid()) ** 2 * torch.tensor(anchors[anchor])
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2]), raw[4], raw[5:]


def plain_loss(outputs, targets):
    total = 0.0
    for output, anchors, stride, balance in zip(outputs, ANCHORS, STRIDES, BALANCE, strict=True):
        boxes, classes, wanted = [], [], torch.zeros_like(output[:, :, 4]).double()
        for picture, target in enumerate(targets):
            for anchor, row, column, index in plain_matches(target, anchors, stride):
                box, _, logits = plain_box(output, anchors, stride, picture, anchor, row, column)
                ciou = complete_box_iou(box[None], target.boxes[index].double()[None]).item()
                boxes.append(1 - ciou)
                one_hot = torch.eye(CLASSES, dtype=torch.float64)[target.labels[index]]
                classes.append(F.binary_cross_entropy_with_logits(logits, one_hot).item())
                place = (picture, anchor, row, column)
                wanted[place] = max(wanted[place].item(), ciou)
        presence = F.binary_cross_entropy_with_logits(output[:, :, 4].double(), wanted).item()
        number = max(1, len(boxes))
        total += 0.05 * sum(boxes) / number + 0.5 * CLASSES / 80 * sum(classes) / number
        total += balance * presence * SIZE[0] * SIZE[1] / 640**2
    return total


def test_the_loss_is_that_of_plain_loops():
    outputs, targets = random_outputs(3), target_sets()
    model = Yolov5(CLASSES, width=0.25)
    assert model.loss(outputs, targets).item() == pytest.approx(
        plain_loss(outputs, targets), rel=1e-5
    )


def test_a_crowd_is_neither_target_nor_background():
    model, outputs = Yolov5(CLASSES, width=0.25), random_outputs(1)
    target = objects(2, SIZE, CLASSES, seed=1)
    nothing = model.loss(outputs, [objects(0)])
    assert model.loss(outputs, [replace(target, crowd=target.crowd.logical_not())]) < nothing


@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_extreme_logits_have_finite_losses_and_gradients(logit):
    model = Yolov5(CLASSES, width=0.25)
    outputs = [torch.full_like(one, logit).requires_grad_() for one in random_outputs(1)]
    loss = model.loss(outputs, [objects(3, SIZE)])
    loss.backward()
    assert loss.isfinite()
    assert all(one.grad.isfinite().all() for one in outputs)


def test_it_learns_one_picture():
    torch.manual_seed(0)
    model = create_model("yolov5-n", CLASSES, 64)
    images, targets = torch.randn(2, 3, 64, 64), [objects(2, (64, 64), least=16, seed=3)] * 2
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(20):
        loss = model.loss(model(images), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]

"""YOLOX: assignment and loss against plain loops, and that it learns."""

import pytest
import torch
from torchvision.ops import box_iou

from attnbench.models.factory import create_model
from attnbench.tasks.detection.padding import padded
from baselines.detectors.yolo.yolox import yolox_loss
from baselines.detectors.yolo.yolox_assignment import assign
from baselines.detectors.yolo.yolox_head import Cells, cells_of
from tests.tasks.detection.boxes import objects

CPU = torch.device("cpu")
CLASSES = 3
SIZE = (64, 96)


def random_cells(batch, seed=0, spread=0.5):
    generator = torch.Generator().manual_seed(seed)
    levels = [
        spread * torch.randn(batch, 5 + CLASSES, SIZE[0] // s, SIZE[1] // s, generator=generator)
        for s in (8, 16, 32)
    ]
    return cells_of(levels)


def cross_entropy(score, target):
    return -(target * score.log() + (1 - target) * (1 - score).log())


def is_near(cells, cell, box):
    middle = (box[:2] + box[2:]) / 2
    return bool(((cells.centres[cell] - middle).abs() < 1.5 * cells.strides[cell]).all())


def plain_assignment(cells, picture, target):
    """SimOTA by loops over objects and cells; returns {cell: object}."""
    wanted = {}
    real = [i for i in range(len(target.labels)) if not target.crowd[i]]
    candidates = [cell for cell in range(len(cells.centres))
                  if any(is_near(cells, cell, target.boxes[i]) for i in real)]  # fmt: skip
    for index in real:
        costs, overlaps = [], []
        for cell in candidates:
            own = cells.boxes[picture, cell].double()[None]
            iou = box_iou(own, target.boxes[index].double()[None]).item()
            presence = cells.objects[picture, cell].double().sigmoid()
            scores = (cells.classes[picture, cell].double().sigmoid() * presence).sqrt()
            one_hot = torch.eye(CLASSES, dtype=torch.float64)[target.labels[index]]
            cost = cross_entropy(scores, one_hot).sum() - 3 * torch.tensor(iou + 1e-8).log()
            away = not is_near(cells, cell, target.boxes[index])
            costs.append((float(cost) + 1e6 * away, cell))
            overlaps.append(iou)
        number = max(1, int(sum(sorted(overlaps)[-10:])))
        for cost, cell in sorted(costs)[:number]:
            if cell not in wanted or cost < wanted[cell][0]:
                wanted[cell] = cost, index
    return {cell: index for cell, (_, index) in wanted.items()}


@pytest.mark.parametrize("crowds", [0, 2])
def test_the_assignment_is_that_of_plain_loops(crowds):
    targets = [objects(n, SIZE, CLASSES, crowds, seed=n) for n in (9, 3, 1 + crowds, crowds)]
    cells = random_cells(4)
    found = assign(cells, padded(targets, CPU))
    for picture, target in enumerate(targets):
        cell = found.positive[picture].nonzero()[:, 0].tolist()
        which = found.matched[picture][cell].tolist()
        assert dict(zip(cell, which, strict=True)) == plain_assignment(cells, picture, target)
    assert bool(found.ignored.any()) == (crowds > 0)
    assert not (found.ignored & found.positive).any()


def test_the_loss_is_that_of_plain_loops():
    targets = [objects(n, SIZE, CLASSES, seed=n) for n in (4, 0, 2)]
    cells = random_cells(3)
    total, count = 0.0, 0
    for picture, target in enumerate(targets):
        known = plain_assignment(cells, picture, target)
        count += len(known)
        for cell in range(len(cells.centres)):
            presence = cells.objects[picture, cell].double().sigmoid()
            total += cross_entropy(presence, float(cell in known))
            if cell in known:
                truth = target.boxes[known[cell]].double()[None]
                iou = box_iou(cells.boxes[picture, cell].double()[None], truth).item()
                one_hot = torch.eye(CLASSES, dtype=torch.float64)[target.labels[known[cell]]]
                scores = cells.classes[picture, cell].double().sigmoid()
                total += 5 * (1 - iou**2) + cross_entropy(scores, iou * one_hot).sum()
    loss = yolox_loss(cells, padded(targets, CPU))
    assert loss.item() == pytest.approx(float(total) / count, rel=1e-5)


def test_a_box_is_told_from_the_corner_of_its_cell():
    levels = [torch.zeros(1, 5 + CLASSES, 4 // step, 4 // step) for step in (1, 2, 4)]
    levels[0][0, :4, 1, 2] = torch.tensor([0.5, 0.25, 0.0, 2.0]).where(
        torch.tensor([True, True, True, False]), torch.tensor(2.0).log()
    )
    box = cells_of(levels).boxes[0, 1 * 4 + 2]
    assert box.tolist() == pytest.approx([20 - 4, 10 - 8, 20 + 4, 10 + 8])


def test_huge_logits_make_no_infinite_box():
    cells = cells_of([torch.full((1, 5 + CLASSES, 4 // s, 4 // s), 1e4) for s in (1, 2, 4)])
    assert isinstance(cells, Cells)
    assert yolox_loss(cells, padded([objects(2)], CPU)).isfinite()


def test_it_learns_one_picture():
    torch.manual_seed(0)
    model = create_model("yolox-nano", CLASSES, 64)
    images, targets = torch.randn(2, 3, 64, 64), [objects(2, (64, 64), least=16, seed=3)] * 2
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(30):
        loss = model.loss(model(images), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]

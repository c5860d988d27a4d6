"""PicoDet: published sizes, SimOTA and losses against plain loops, and that it learns."""

from dataclasses import replace
from math import log

import pytest
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode
from torchvision.ops import box_iou, generalized_box_iou

from attnbench.data.augment import normalise
from attnbench.models.factory import create_backbone, create_model
from attnbench.models.options import attention_inside
from attnbench.tasks.detection.padding import padded
from attnbench.tasks.detection.picodet.assignment import assign
from attnbench.tasks.detection.picodet.head import BINS, Cells, cells_of
from attnbench.tasks.detection.picodet.losses import LONGEST, _distribution, picodet_loss
from tests.tasks.detection.boxes import objects

CPU = torch.device("cpu")
CLASSES = 3


@pytest.mark.parametrize(
    ("name", "params", "giga_macs"),
    [
        ("picodet-s", 992_715, 0.351),
        ("picodet-m", 2_152_554, 0.716),
        ("picodet-l", 3_305_009, 1.084),
        ("anchorformer-det-t", 2_898_387, 0.543),
        ("anchorformer-det-s", 5_416_467, 0.804),
        ("anchorformer-det-b", 8_622_298, 1.372),
    ],
)
def test_sizes_are_the_published_ones_and_those_fitted_to_table_2(name, params, giga_macs):
    with torch.device("meta"):
        model = create_model(name, 80, 320).eval()
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        model(torch.empty(1, 3, 320, 320, device="meta"))
    assert sum(p.numel() for p in model.parameters()) == params
    assert counted.get_total_flops() / 2e9 == pytest.approx(giga_macs, abs=6e-4)


@pytest.mark.parametrize("attention", [None, "anchor", "window", "sparse", "dense"])
@pytest.mark.parametrize("size", [(64, 96), (75, 53)])
def test_the_last_stage_of_esnet_may_be_of_any_attention(attention, size):
    options = {} if attention is None else {"attention": attention, "attention_dim": 64}
    backbone = create_backbone("esnet-s", size, **options)
    maps = backbone.features(torch.randn(2, 3, *size))
    for one, info in zip(maps, backbone.feature_info, strict=True):
        assert one.shape == (2, info.channels, *(-(-side // info.stride) for side in size))
    assert [info.stride for info in backbone.feature_info] == [8, 16, 32]
    assert attention_inside("picodet-s", {"attention": attention}) == (attention or "")


def random_cells(batch, size, seed=0):
    """Outputs of a head for an image of that size, about as wide as real ones."""
    generator = torch.Generator().manual_seed(seed)
    levels = [
        torch.randn(batch, CLASSES + 4 * BINS, -(-size[0] // s), -(-size[1] // s),
                    generator=generator) for s in (8, 16, 32)
    ]  # fmt: skip
    return cells_of(levels, (8, 16, 32), CLASSES)


def plain_varifocal(logit, target):
    p = logit.double().sigmoid()
    bce = -(target * p.log() + (1 - target) * (1 - p).log())
    return target * bce if target > 0 else 0.75 * p**2 * bce


def plain_assignment(cells, picture, target):
    """SimOTA by loops over objects and cells; returns {cell: object}."""
    wanted = {}
    boxes = cells.boxes[picture].double()
    real = [i for i in range(len(target.labels)) if not target.crowd[i]]
    for index in real:
        box = target.boxes[index].double()
        middle = (box[:2] + box[2:]) / 2
        costs, overlaps = [], []
        for cell in range(len(boxes)):
            x, y = cells.centres[cell].double()
            inside = box[0] < x < box[2] and box[1] < y < box[3]
            reach = 2.5 * cells.strides[cell]
            near = abs(x - middle[0]) < reach and abs(y - middle[1]) < reach
            if not (inside or near):
                continue
            iou = box_iou(box[None], boxes[cell][None]).item()
            giou = generalized_box_iou(box[None], boxes[cell][None]).item()
            scores = sum(
                plain_varifocal(cells.classes[picture, cell, c],
                                iou if c == target.labels[index] else 0.0)
                for c in range(CLASSES)
            )  # fmt: skip
            costs.append((float(scores + 6 * (1 - giou) + 1e8 * (not (inside and near))), cell))
            overlaps.append(iou)
        number = max(1, int(sum(sorted(overlaps)[-10:])))
        for cost, cell in sorted(costs)[:number]:
            if cell not in wanted or cost < wanted[cell][0]:
                wanted[cell] = cost, index
    return {cell: index for cell, (_, index) in wanted.items()}


@pytest.mark.parametrize("crowds", [0, 2])
def test_the_assignment_is_that_of_plain_loops(crowds):
    size = (64, 96)
    targets = [objects(n, size, CLASSES, crowds, seed=n) for n in (7, 3, 1 + crowds)]
    cells = random_cells(3, size)
    found = assign(cells, padded(targets, CPU))
    for picture, target in enumerate(targets):
        cell = found.positive[picture].nonzero()[:, 0].tolist()
        which = found.matched[picture][cell].tolist()
        assert dict(zip(cell, which, strict=True)) == plain_assignment(cells, picture, target)
    assert bool(found.ignored.any()) == (crowds > 0)
    assert not (found.ignored & found.positive).any()


def plain_loss(cells, targets):
    """The loss of a batch by loops over cells, in float64."""
    pairs = [(p, cell, index) for p, target in enumerate(targets)
             for cell, index in plain_assignment(cells, p, target).items()]  # fmt: skip
    known = {(p, cell): index for p, cell, index in pairs}
    scores = boxes = bins = weights = 0.0
    for p, target in enumerate(targets):
        for cell in range(cells.classes.shape[1]):
            index = known.get((p, cell))
            own = cells.boxes[p, cell].double()[None]
            for c in range(CLASSES):
                mine = index is not None and c == target.labels[index]
                iou = box_iou(own, target.boxes[index].double()[None]).item() if mine else 0.0
                scores += plain_varifocal(cells.classes[p, cell, c], iou)
            if index is None:
                continue
            truth, stride = target.boxes[index].double(), cells.strides[cell].double()
            weight = cells.classes[p, cell].double().sigmoid().max()
            boxes += weight * (1 - generalized_box_iou(own, truth[None]).item())
            centre = cells.centres[cell].double()
            for side, away in enumerate([*(centre - truth[:2]), *(truth[2:] - centre)]):
                distance = float((away / stride).clamp(0, LONGEST))
                log_p = cells.bins[p, cell, side].double().log_softmax(0)
                low = int(distance)
                bins -= weight / 4 * ((low + 1 - distance) * log_p[low]
                                      + (distance - low) * log_p[low + 1])  # fmt: skip
            weights += weight
    return scores / max(1, len(pairs)) + (2 * boxes + 0.25 * bins) / weights


def test_the_loss_is_that_of_plain_loops():
    targets = [objects(n, classes=CLASSES, seed=n) for n in (4, 0, 2)]
    cells = random_cells(3, (64, 96))
    loss = picodet_loss(cells, padded(targets, CPU))
    assert loss.item() == pytest.approx(float(plain_loss(cells, targets)), rel=1e-5)


def test_the_order_of_objects_and_pictures_changes_nothing():
    targets = [objects(5, seed=1), objects(3, seed=2)]
    cells = random_cells(2, (64, 96))
    turned = [replace(one, boxes=one.boxes.flip(0), labels=one.labels.flip(0)) for one in targets]
    other = Cells(classes=cells.classes.flip(0), bins=cells.bins.flip(0),
                  centres=cells.centres, strides=cells.strides)  # fmt: skip
    first = picodet_loss(cells, padded(targets, CPU))
    torch.testing.assert_close(first, picodet_loss(other, padded(turned[::-1], CPU)))


def test_without_objects_the_loss_is_finite_and_lowers_every_score():
    model = create_model("picodet-s", CLASSES, 64)
    outputs = model(torch.randn(2, 3, 64, 64))
    loss = model.loss(outputs, [objects(0), objects(0)])
    loss.backward()
    assert loss.isfinite()
    biases = torch.stack([layer.bias.grad[:CLASSES] for layer in model.head.outputs])
    assert (biases > 0).all()


def test_a_crowd_is_neither_target_nor_background():
    cells = random_cells(1, (64, 96))
    alone, crowd = objects(1, seed=3), objects(1, crowds=1, seed=3)
    nothing = picodet_loss(cells, padded([objects(0)], CPU))
    ignored = picodet_loss(cells, padded([crowd], CPU))
    assert ignored < nothing
    assert assign(cells, padded([alone], CPU)).positive.any()
    assert not assign(cells, padded([crowd], CPU)).positive.any()


def test_confident_bins_at_the_truth_make_the_box_exact():
    """Decoding inverts the distances that the loss asks for."""
    distances = torch.tensor([[2.0, 1.0, 3.0, 5.0]])
    bins = torch.full((1, 1, 4, BINS), -30.0)
    bins.scatter_(3, distances.long()[None, ..., None], 30.0)
    cells = Cells(classes=torch.zeros(1, 1, CLASSES), bins=bins,
                  centres=torch.tensor([[100.0, 80.0]]), strides=torch.tensor([8.0]))  # fmt: skip
    assert cells.boxes[0, 0].tolist() == pytest.approx([84, 72, 124, 120])


def test_duplicates_are_removed_for_each_class_and_the_best_come_first():
    model = create_model("picodet-s", CLASSES, 64).eval()
    with torch.no_grad():
        for layer in model.head.outputs:
            layer.bias[:CLASSES] = log(0.5 / 0.5)
        outputs = model(torch.randn(3, 3, 64, 64))
    found = model.detections(outputs, [objects(0)] * 3)
    for one in found:
        assert 0 < len(one.scores) <= 100
        assert (one.scores.diff() <= 0).all()
        overlaps = box_iou(one.boxes, one.boxes).fill_diagonal_(0)
        same = one.labels[:, None] == one.labels
        assert (overlaps[same] <= 0.6 + 1e-6).all()


def test_rectangles_are_learnt():
    torch.manual_seed(0)
    targets = [objects(1, (64, 64), seed=s, least=20) for s in range(5)]
    images = torch.full((5, 3, 64, 64), 40, dtype=torch.uint8)
    for image, target in zip(images, targets, strict=True):
        ((x1, y1, x2, y2),) = target.boxes.round().int().tolist()
        image[:, y1:y2, x1:x2] = 60
        image[target.labels[0], y1:y2, x1:x2] = 230
    model = create_model("picodet-s", CLASSES, 64)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = model.loss(model(normalise(images)), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 3
    with torch.no_grad():  # in training mode: the running statistics are not those of the images
        found = model.detections(model(normalise(images)), targets)
    hits = [
        box_iou(one.boxes[:1], target.boxes).item() > 0.5 and one.labels[0] == target.labels[0]
        for one, target in zip(found, targets, strict=True)
        if len(one.scores)
    ]
    assert sum(hits) >= 2  # untrained it finds nothing


def test_bins_between_two_places_share_their_weight():
    bins = torch.randn(5, 4, BINS)
    distances = torch.rand(5, 4) * LONGEST
    low = distances.long()
    for place in range(5):
        for side in range(4):
            target = torch.zeros(BINS)
            share = float(distances[place, side] - low[place, side])
            target[low[place, side]], target[low[place, side] + 1] = 1 - share, share
            expected = F.cross_entropy(bins[place, side][None], target[None])
            assert _distribution(bins, distances)[place, side] == pytest.approx(
                expected.item(), rel=1e-5
            )

"""Random pictures with objects and with detections near them, for tests of detection's scores."""

import torch

from attnbench.data.targets import Detections, Objects

NAMES = ("ant", "bee", "cat")


def objects(boxes=(), labels=(), *, name="1", size=(480, 640), crowd=None, areas=None, seen=None):
    boxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    sides = boxes[:, 2:] - boxes[:, :2]
    return Objects(
        picture=name, size=size, boxes=boxes, labels=torch.tensor(labels, dtype=torch.int64),
        crowd=torch.tensor(crowd if crowd is not None else [False] * len(boxes)).bool(),
        areas=sides.prod(1) if areas is None else torch.tensor(areas, dtype=torch.float32),
        seen=seen,
    )  # fmt: skip


def detections(boxes=(), scores=(), labels=()):
    return Detections(
        boxes=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        scores=torch.tensor(scores, dtype=torch.float32),
        labels=torch.tensor(labels, dtype=torch.int64),
    )


def random_pairs(count=9, seed=0, *, classes=3, most=7, crowds=0.15, ties=True, empty=()):
    """Predictions and targets of that many pictures; labels in `empty` have no objects."""
    draw = torch.Generator().manual_seed(seed)

    def uniform(low, high, *shape):
        return low + (high - low) * torch.rand(*shape, generator=draw)

    for number in range(count):
        n = int(torch.randint(most + 1, (), generator=draw))
        corners = uniform(0, 300, n, 2)
        boxes = torch.cat([corners, corners + uniform(8, 160, n, 2)], dim=1)
        labels = torch.randint(classes, (n,), generator=draw)
        if empty:
            labels[torch.isin(labels, torch.tensor(empty))] = 0
        crowd = torch.rand(n, generator=draw) < crowds
        near = boxes.repeat(3, 1) + 8 * torch.randn(3 * n, 4, generator=draw)
        near[:, 2:] = torch.maximum(near[:, 2:], near[:, :2] + 1)
        scores = torch.rand(3 * n, generator=draw)
        wrong = torch.rand(3 * n, generator=draw) < 0.15
        found = torch.where(
            wrong, torch.randint(classes, (3 * n,), generator=draw), labels.repeat(3)
        )
        if n:
            near[0] = boxes[0]  # one is exact
        yield (
            Detections(
                boxes=near, labels=found, scores=(10 * scores).round() / 10 if ties else scores
            ),
            objects(
                boxes.tolist(), labels.tolist(), name=f"{number + 1}.jpg", crowd=crowd.tolist(),
                areas=(uniform(0.5, 1, n) * (boxes[:, 2:] - boxes[:, :2]).prod(1)).tolist(),
            ),
        )  # fmt: skip


def scored(pairs, metric):
    for found, target in pairs:
        metric.update([found], [target])
    return metric

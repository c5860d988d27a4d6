"""A detector through `evaluate`, as a user's scores come about."""

import torch
from box_pictures import NAMES, detections, objects
from torch import nn

from attnbench.data.images import ImageData
from attnbench.spec import Recipe
from attnbench.tasks.detection.detector import Detector
from attnbench.tasks.detection.task import Detection
from attnbench.training.evaluate import evaluate

SIZE = (40, 60)


class Squares:
    """Black pictures with a white square of 10 pixels, originals twice as large."""

    def __len__(self):
        return 5

    def batches(self, batch_size, *, seed, device, first=0):
        for rows in torch.arange(5).split(batch_size):
            images = torch.zeros(len(rows), 3, *SIZE, dtype=torch.uint8)
            for image, row in zip(images, rows.tolist(), strict=True):
                image[:, 8:18, 6 * row : 6 * row + 10] = 255
            yield (
                images,
                [
                    objects([[6 * k, 8, 6 * k + 10, 18]], [1], name=f"{k}.jpg", size=(80, 120))
                    for k in rows.tolist()
                ],
            )


class FindsWhite(Detector):
    def __init__(self):
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(1))

    def forward(self, images):
        return images

    def loss(self, outputs, targets):
        return self.nothing.sum()

    def detections(self, outputs, targets):
        found = []
        for image in outputs:
            rows, columns = torch.nonzero(image[0] > 0, as_tuple=True)
            box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            found.append(detections([box], [0.9], [1]))
        return found


def test_scores_have_classes_notes_and_on_request_intervals():
    data = ImageData(
        name="squares", train=Squares(), val=Squares(), class_names=NAMES, img_size=SIZE,
        photographs=True, task="detection",
    )  # fmt: skip
    recipe = Recipe(data="squares", img_size=SIZE, epochs=1, batch_size=2)
    kept = []
    scores = evaluate(
        FindsWhite(), data, Detection(), recipe, device="cpu", on_metric=kept.append,
        intervals=True,
    )  # fmt: skip
    assert scores.values["ap"] == 1
    assert scores.by_class["ap"] == {"ant": None, "bee": 1, "cat": None}
    assert scores.intervals == {"ap": (1, 1), "ap50": (1, 1)}
    assert "ant, cat" in scores.notes[0]
    assert kept[0].pictures[1].boxes.tolist() == [[12, 16, 20, 20]]  # of the original
    assert evaluate(FindsWhite(), data, Detection(), recipe, device="cpu").intervals == {}

"""What is explained of a model's answer: one number for each picture, and its class.

- Classification: the logit of the class. Models with two heads, such as DeiT's distilled ones,
  answer with the mean of both.
- Detection: the score of the best detection of the class, as the detector ranks it, after
  duplicates are removed. In PicoDet that is the sigmoid of the class's logit in one cell of one
  level. The box is not differentiated, nor is the choice of the detection.
- Segmentation: the mean logit of the class over the pixels that are given it, or over all pixels if
  none is (Vinogradova et al. 2020, https://arxiv.org/abs/2002.11434).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from attnbench.bounds import shortened
from attnbench.data.targets import Detections, Objects
from attnbench.errors import UserError
from attnbench.spec import Grid
from attnbench.tasks.detection.detector import Detector

FIRST_ANSWER = -1
"""In place of a class: the one that the model itself answers with."""
NOTHING = -1
"""In place of a class that is explained: nothing was found in the picture."""
SHARES: Mapping[str, str] = {
    "classification": "its probability",
    "detection": "the score of its best detection",
    "segmentation": "its share of the pixels",
}
"""What `Answers.shares` are, by task, after "the class and"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What is explained in each picture."""

    scores: Float[Tensor, " images"]
    """What is differentiated; 0 where nothing was found."""
    classes: Int[Tensor, " images"]
    shares: Float[Tensor, " images"]
    """From 0 to 1, see `SHARES`."""
    there: Tensor
    """bool (images,): whether there is an answer; detectors may find nothing."""
    detected: tuple[tuple[float, ...], ...] = ()
    """Of a detector: x1, y1, x2, y2 of the explained detection in pixels, () where none is."""


Answerer = Callable[[nn.Module, Any, Tensor, Grid], Answers]
"""Takes the model, its outputs with their graph, the classes that are asked for (`FIRST_ANSWER`
where none is), and (height, width) of the images."""


def of_logits(model: nn.Module, outputs: Any, asked: Tensor, image: Grid) -> Answers:
    """The answers of a classifier.

    Raises:
        UserError: the outputs are no logits (images, classes).
    """
    if not (isinstance(outputs, Tensor) and outputs.ndim == 2):
        raise UserError(
            f"expected a classifier with logits (images, classes), got {type(model).__name__} with "
            "another output; give a checkpoint of classification"
        )
    classes = torch.where(asked == FIRST_ANSWER, outputs.argmax(1), asked)
    return Answers(
        scores=outputs.gather(1, classes[:, None])[:, 0],
        classes=classes,
        shares=outputs.detach().softmax(1).gather(1, classes[:, None])[:, 0],
        there=torch.ones(len(classes), dtype=torch.bool),
    )


def of_detections(model: nn.Module, outputs: Any, asked: Tensor, image: Grid) -> Answers:
    """The answers of a detector.

    Raises:
        UserError: it is no `Detector`, or its scores cannot be differentiated.
    """
    if not isinstance(model, Detector):
        raise UserError(
            f"expected a detector, got {type(model).__name__}; give a checkpoint of detection"
        )
    found = model.detections(outputs, [_unlabelled(image)] * len(asked))
    if not all(one.scores.requires_grad for one in found if len(one.scores)):
        raise UserError(
            f"the scores that {type(model).__name__} finds cannot be differentiated: its "
            "`detections` leaves the graph; nothing of it can be explained"
        )
    scores, classes, boxes = [], [], []
    for one, label in zip(found, asked.tolist(), strict=True):
        place = _best(one, label)
        scores.append(torch.zeros(()) if place is None else one.scores[place])
        classes.append(label if place is None else int(one.labels[place]))
        boxes.append(() if place is None else tuple(one.boxes[place].tolist()))
    together = torch.stack(scores)
    return Answers(
        scores=together, classes=torch.tensor(classes), shares=together.detach(),
        there=torch.tensor([len(box) > 0 for box in boxes]), detected=tuple(boxes),
    )  # fmt: skip


def _unlabelled(image: Grid) -> Objects:
    return Objects(
        picture="", size=image, boxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.int64),
        crowd=torch.zeros(0, dtype=torch.bool), areas=torch.zeros(0),
    )  # fmt: skip


def _best(found: Detections, label: int) -> int | None:
    """The place of the best detection of a class, or of any; None if there is none."""
    scores, labels = found.scores.tolist(), found.labels.tolist()
    places = [at for at in range(len(scores)) if label in (FIRST_ANSWER, labels[at])]
    return max(places, key=lambda at: scores[at], default=None)


def of_pixels(model: nn.Module, outputs: Any, asked: Tensor, image: Grid) -> Answers:
    """The answers of a segmenter, whose first output are logits (images, classes, rows, columns).

    Raises:
        UserError: it is something else.
    """
    logits = outputs[0] if isinstance(outputs, (list, tuple)) else outputs
    if not (isinstance(logits, Tensor) and logits.ndim == 4):
        raise UserError(
            "expected a segmenter with logits (images, classes, rows, columns), got "
            f"{type(model).__name__} with another output; give a checkpoint of segmentation"
        )
    given = logits.detach().argmax(1).flatten(1)  # (images, pixels)
    classes = torch.where(asked == FIRST_ANSWER, given.mode(1).values, asked)
    own = logits.flatten(2)[torch.arange(len(classes)), classes]  # (images, pixels)
    inside = (given == classes[:, None]).to(own)
    weights = torch.where(inside.any(1, keepdim=True), inside, 1.0)
    return Answers(
        scores=(own * weights).sum(1) / weights.sum(1),
        classes=classes,
        shares=inside.mean(1),
        there=torch.ones(len(classes), dtype=torch.bool),
    )


ANSWERERS: Mapping[str, Answerer] = {
    "classification": of_logits,
    "detection": of_detections,
    "segmentation": of_pixels,
}
"""By task."""


def answerer_of(task: str) -> Answerer:
    """What explains the answers of a task.

    Raises:
        UserError: nothing does; tasks of plug-ins have answers of their own.
    """
    if task not in ANSWERERS:
        raise UserError(
            f"expected a model of {', '.join(ANSWERERS)}, got one of {shortened(task)}, whose "
            "answers are not known; give another checkpoint"
        )
    return ANSWERERS[task]

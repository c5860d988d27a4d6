"""The table of tasks: what a model is trained to do and how it is scored. Loads no torch."""

from __future__ import annotations

from attnbench.registry import Entry

TASKS: tuple[Entry, ...] = (
    Entry(
        kind="task",
        name="classification",
        target="attnbench.tasks.classification.task:Classification",
        family="image",
        summary="one class for each image: cross-entropy, scored by top-1 and top-5 accuracy",
    ),
    Entry(
        kind="task",
        name="detection",
        target="attnbench.tasks.detection.task:Detection",
        family="box",
        summary="boxes around objects: the detector's own loss, scored by COCO's average precision",
    ),
    Entry(
        kind="task",
        name="segmentation",
        target="attnbench.tasks.segmentation.task:Segmentation",
        family="pixel",
        summary="one class for each pixel: cross-entropy, scored by the mean IoU of the classes",
    ),
)

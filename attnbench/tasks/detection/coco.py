"""COCO's average precision, by faster-coco-eval (Lin et al. 2014, arXiv 1405.0312).

For each class, precision is averaged over 101 recalls; that is averaged over ten IoU from 0.5 to
0.95, and over the classes that have objects. A picture's best 100 detections of a class count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from attnbench.errors import UserError
from attnbench.tasks.detection.pictures import Floats, Picture

BANDS = ("", "small", "medium", "large")
"""All sizes, and the bands of the areas of objects: below 32², 96², and above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoScores:
    """Scores from 0 to 1; None without objects that they are about."""

    overall: Mapping[str, float | None]
    by_class: Mapping[str, Sequence[float | None]]
    """"ap" and "ap50", in the order of the classes."""


def require_evaluator() -> None:
    """Refuse early if the package is missing.

    Raises:
        UserError: it is.
    """
    try:
        import faster_coco_eval  # noqa: F401
    except ModuleNotFoundError as error:
        raise UserError(
            "the scores of detection need the package faster-coco-eval, which is not installed: "
            'pip install "attnbench[detection]"'
        ) from error


def coco_scores(pictures: Sequence[Picture], num_classes: int) -> CocoScores:
    """Score pictures in the order in which they come; see `in_order`."""
    if not pictures or not num_classes:
        empty: list[float | None] = [None] * num_classes
        names = ["ap", "ap50", "ap75", *(f"ap_{band}" for band in BANDS[1:]), "ar100"]
        return CocoScores(overall=dict.fromkeys(names), by_class={"ap": empty, "ap50": empty})
    precision, recall = _tables(pictures, num_classes)
    overall = {
        "ap": _mean(precision[..., 0]),
        "ap50": _mean(precision[0, ..., 0]),
        "ap75": _mean(precision[5, ..., 0]),
        **{f"ap_{band}": _mean(precision[..., i]) for i, band in enumerate(BANDS) if band},
        "ar100": _mean(recall[..., 0]),
    }
    by_class = {
        "ap": [_mean(precision[:, :, k, 0]) for k in range(num_classes)],
        "ap50": [_mean(precision[0, :, k, 0]) for k in range(num_classes)],
    }
    return CocoScores(overall=overall, by_class=by_class)


def _tables(pictures: Sequence[Picture], num_classes: int) -> tuple[Floats, Floats]:
    """Precision (10 IoU, 101 recalls, classes, bands) and recall (10 IoU, classes, bands).

    -1 stands for classes and bands without objects.
    """
    from faster_coco_eval import COCO, COCOeval_faster

    truth = COCO(truth_of(pictures, num_classes))
    run = COCOeval_faster(truth, truth.loadRes(found_in(pictures)), "bbox")
    run.evaluate()
    run.accumulate()
    return run.eval["precision"][..., -1], run.eval["recall"][..., -1]


def truth_of(pictures: Sequence[Picture], num_classes: int) -> dict[str, Any]:
    """The objects as COCO's file has them.

    Annotations are numbered from 1: COCO's evaluators take one with number 0, and one whose number
    occurs twice, for never found.
    """
    annotations = [
        {
            "image_id": number,
            "category_id": label + 1,
            "bbox": box,
            "area": area,
            "iscrowd": int(crowd),
        }
        for number, picture in enumerate(pictures, start=1)
        for box, label, area, crowd in zip(
            picture.boxes.tolist(), picture.labels.tolist(), picture.areas.tolist(),
            picture.crowd.tolist(), strict=True,
        )
    ]  # fmt: skip
    return {
        "images": [
            {"id": number, "height": picture.size[0], "width": picture.size[1]}
            for number, picture in enumerate(pictures, start=1)
        ],
        "categories": [{"id": k + 1, "name": str(k)} for k in range(num_classes)],
        "annotations": [{"id": i, **one} for i, one in enumerate(annotations, start=1)],
    }


def found_in(pictures: Sequence[Picture]) -> list[dict[str, Any]]:
    """The detections as COCO's result file has them."""
    return [
        {"image_id": number, "category_id": label + 1, "bbox": box, "score": score}
        for number, picture in enumerate(pictures, start=1)
        for box, label, score in zip(
            picture.found.tolist(), picture.found_labels.tolist(), picture.scores.tolist(),
            strict=True,
        )
    ]  # fmt: skip


def _mean(values: Floats) -> float | None:
    known = values[values > -1]
    return float(np.mean(known)) if known.size else None

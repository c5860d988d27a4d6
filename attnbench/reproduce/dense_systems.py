"""Which system stands for which row of tables 2 and 3, and what is known of it.

`systems_dense.csv` has a line for each: the model and the picture that its count belongs to, the
convention of the printed FLOPs, and the system's own source. A line without a model says why there
is none.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import torch

from attnbench.models.factory import create_backbone
from attnbench.models.options import attention_inside
from attnbench.profiling.counting.torch_count import count_by_torch
from attnbench.registry import MODELS
from attnbench.reproduce import paper
from attnbench.reproduce.span import Span, printed
from attnbench.spec import ModelWorkload

HEADS = ("semantic-fpn:", "uper-net:")
SCORES = ("mAP", "AP50", "AP75", "mIoU")
"""Columns of the tables that a system's own source may report; no source reports mAcc."""


def systems_of(table: str) -> list[paper.Row]:
    """The lines of "table2" or "table3"."""
    return [line for line in paper.table("systems_dense") if line["table"] == table]


def row_of(system: paper.Row) -> str:
    """The printed row that a system stands for: "Swin, UperNet"; "" for one of our own."""
    return ", ".join(filter(None, (system["row"], system["head"])))


def operations_of(system: paper.Row) -> int:
    """Operations that the row prints for each multiply-accumulate."""
    return int(system["operations"])


def workload_of(system: paper.Row) -> ModelWorkload:
    """The model of a line, at the size that its counts belong to."""
    entry, options = MODELS.find(system["name"]), _options(system["options"])
    return ModelWorkload(
        model=system["name"],
        attention=attention_inside(system["name"], options),
        img_size=(int(system["height"]), int(system["width"])),
        num_classes=int(system["num_classes"]),
        options=options,
        task=entry.task,
    )


def backbone_macs(system: paper.Row) -> int | None:
    """Counted MACs of the backbone alone, at the same size; None where there is no head over it."""
    head = next((head for head in HEADS if system["name"].startswith(head)), None)
    if head is None:
        return None
    size = int(system["height"]), int(system["width"])
    return _backbone_macs(system["name"].removeprefix(head), size)


@cache
def _backbone_macs(name: str, size: tuple[int, int]) -> int:
    with torch.device("meta"):
        model, images = create_backbone(name, size).eval(), torch.empty(1, 3, *size)
    return count_by_torch(model, (images,), ()).products_macs


def _options(text: str) -> dict[str, Any]:
    return {name: value == "true" for name, value in (one.split("=") for one in text.split())}


def published(system: paper.Row) -> paper.Row:
    """The line of the system's own source; empty if none is known."""
    if not system["published"]:
        return {}
    return paper.one(
        paper.table("original_reports_dense"),
        system=system["published"],
        resolution=system["resolution"],
    )


def published_scores(system: paper.Row) -> dict[str, Span]:
    """Scores of the system's own source, by column, in percent; none from memory alone."""
    line = published(system)
    if not line or line["checked"] == "recalled":
        return {}
    found = ((name, re.search(rf"\b{name} ([\d.]+\d)", line["metrics"])) for name in SCORES)
    return {name: printed(match[1]) for name, match in found if match}


def measured(system: paper.Row) -> dict[str, Span]:
    """Counts of a system whose package is optional, made when the tables were collected."""
    if not system["measured"]:
        return {}
    line = paper.one(paper.table("measured"), system=system["measured"], input_px=system["height"])
    return {
        "params_M": printed(line["params_M"]),
        "flops_G": printed(line["flopcounter_GMACs"]),
    }

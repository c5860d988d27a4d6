"""What to train: a model by name, a data set, a task and a recipe."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from attnbench.benchmark.recorder import RUNS
from attnbench.benchmark.subject import subject_of
from attnbench.data.images import ImageData
from attnbench.data.layouts.found import Reading
from attnbench.experiments.status import CHECKPOINTS
from attnbench.models.options import attention_inside
from attnbench.records.outcome_file import OUTCOMES
from attnbench.spec import ModelWorkload, Recipe
from attnbench.training.blocks import recomputed_blocks
from attnbench.training.checkpoint import Checkpoint
from attnbench.training.drop_path import dropped_paths

CPU = torch.device("cpu")
LONGEST_PART = 60
"""Characters of a part of a run's name, such as the data set: file systems take 255 bytes."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One training run.

    Raises:
        UserError: the model cannot be built with these options, or has no blocks that the recipe
            could skip or recompute; found out before any work.
    """

    model: str
    data: ImageData
    recipe: Recipe
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword options of the model; see `options.model_options`."""
    task: str = "classification"
    source: str = ""
    """The data set as `open_data` takes it; by default its name."""
    reading: Reading = field(default_factory=Reading)
    """How its files were read."""
    device: torch.device = CPU
    folder: Path = RUNS / CHECKPOINTS
    """Each run has a folder with its checkpoint in here."""

    def __post_init__(self) -> None:
        with torch.device("meta"):
            model = self.build()
        recipe = self.recipe
        with dropped_paths(model, recipe.drop_path), recomputed_blocks(model, recipe.recompute):
            pass

    @property
    def outcomes(self) -> Path:
        """The folder of what the models did on each image, beside the results file."""
        return self.folder.parent / OUTCOMES

    @property
    def workload(self) -> ModelWorkload:
        """The model at batch 1."""
        return ModelWorkload(
            model=self.model,
            attention=attention_inside(self.model, self.options),
            img_size=self.data.img_size,
            num_classes=self.data.num_classes,
            options=dict(self.options),
            task=self.task,
        )

    @property
    def name(self) -> str:
        """Name of the run: readable, and unique to its model, data and recipe."""
        settings = json.dumps([asdict(self.workload), self.recipe.told_apart_by], sort_keys=True)
        attention = self.options.get("attention", "")
        parts = [self.model, attention, self.recipe.data, f"seed{self.recipe.seed}"]
        digest = hashlib.sha256(settings.encode()).hexdigest()[:6]
        return printable("-".join([part[:LONGEST_PART] for part in parts if part] + [digest]))

    def build(self) -> nn.Module:
        """A new model."""
        return subject_of(self.workload).build()


def printable(name: str) -> str:
    """A name without the signs that mean something in paths: "timm:resnet18" → "timm-resnet18"."""
    return re.sub(r"[:/\\]", "-", name)


def workload_of(checkpoint: Checkpoint) -> ModelWorkload:
    """The model of a checkpoint at batch 1."""
    return ModelWorkload(
        model=checkpoint.model,
        attention=attention_inside(checkpoint.model, checkpoint.options),
        img_size=checkpoint.img_size,
        num_classes=checkpoint.num_classes,
        options=dict(checkpoint.options),
        task=checkpoint.task,
    )

"""What the runs of a call have in common, and how one of them becomes an experiment.

It holds plain values alone, so that a process of another machine prepares the same run.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from attnbench.data.images import ImageData
from attnbench.data.layouts.found import Reading
from attnbench.data.opening import open_data
from attnbench.experiments.experiment import CPU, Experiment
from attnbench.experiments.options import model_options
from attnbench.experiments.queue import Planned
from attnbench.registry import DATASETS
from attnbench.training.recipe import recipe_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What the runs of a call have in common."""

    found: Mapping[str, tuple[str, str]]
    """Task and data set of each model."""
    recipe: Mapping[str, Any]
    """Settings that are not left to the data set."""
    img_size: tuple[int, int] | None
    options: Mapping[str, Any]
    """Of the attention, or else of the model."""
    reading: Reading
    checkpoints: Path

    def same_images(self, planned: Planned) -> Hashable:
        """Equal for runs that see the same images: a registered set may depend on the seed."""
        task, source = self.found[planned.model]
        return task, source, planned.seed if source in DATASETS.names() else 0

    def images(
        self, planned: Planned, on_images: Callable[[int, int], None] = lambda done, total: None
    ) -> ImageData:
        """Open the images of a run; `on_images` is called with (done, total)."""
        task, source = self.found[planned.model]
        return open_data(
            source, self.img_size, task=task, seed=planned.seed, settings=self.reading,
            on_progress=on_images,
        )  # fmt: skip

    def experiment(
        self, planned: Planned, images: ImageData, device: torch.device = CPU
    ) -> Experiment:
        """A run on its images; its model is tried."""
        task, source = self.found[planned.model]
        return Experiment(
            model=planned.model, data=images, source=source, device=device,
            recipe=recipe_for(images, seed=planned.seed, **self.recipe),
            folder=self.checkpoints, task=task, reading=self.reading,
            options=model_options(planned.model, images, planned.attention, self.options),
        )  # fmt: skip

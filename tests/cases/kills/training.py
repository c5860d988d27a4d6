"""A small training run, in a process that can be killed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import torch
from torch import nn

from attnbench.benchmark.recorder import Recorder
from attnbench.data.images import ImageData, ImagesInMemory
from attnbench.experiments.experiment import Experiment
from attnbench.experiments.run import run
from attnbench.models.pyramid import Pyramid
from attnbench.records import ModelRecord
from attnbench.registry import MODELS, register_model
from attnbench.spec import Protocol
from attnbench.training.recipe import recipe_for

MODEL, SIZE, EPOCHS = "killed-often", 16, 4


def small_pyramid(num_classes, img_size, *, attention="dense", attention_options=None):
    trunk = Pyramid(
        num_classes, img_size, attention=attention, attention_options=attention_options,
        dims=(8, 8, 16, 16), depths=(1, 1, 1, 1), head_width=8, stem_stride=2,
    )  # fmt: skip
    return nn.Sequential(trunk, nn.Dropout(0.1))


def _images(count: int, seed: int) -> ImagesInMemory:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(3, (count,), generator=generator)
    shape = (count, 3, SIZE, SIZE)
    images = torch.randint(128, shape, dtype=torch.uint8, generator=generator)
    return ImagesInMemory(images + (labels * 60).to(torch.uint8)[:, None, None, None], labels)


def experiment_in(folder: Path) -> Experiment:
    """The run, whose checkpoints go to a folder."""
    if MODEL not in MODELS.names():
        register_model(MODEL, family="mine")(small_pyramid)
    data = ImageData(
        name="noise", train=_images(21, seed=1), val=_images(11, seed=2),
        class_names=("a", "b", "c"), img_size=(SIZE, SIZE), photographs=True,
    )  # fmt: skip
    recipe = recipe_for(data, epochs=EPOCHS, batch_size=8)
    return Experiment(model=MODEL, data=data, recipe=recipe, folder=folder)


def train(folder: Path) -> None:
    """Go on to the end, or until the process is killed; every step is saved."""
    from attnbench.benchmark.runner import open_record

    def unmeasured(model, workload, device):
        return replace(open_record(workload, Protocol(), device), params=1)

    torch.set_num_threads(1)
    with patch("attnbench.experiments.run.trained_cost", unmeasured):
        record = run(
            experiment_in(folder), resume="auto", save_every_s=0,
            on_record=Recorder(folder / "train.jsonl", "train").keep,
        )  # fmt: skip
    assert isinstance(record, ModelRecord)

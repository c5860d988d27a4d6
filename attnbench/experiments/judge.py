"""Judge a checkpoint: its scores on held-out images, and its cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from attnbench import together
from attnbench.analysis.at_sizes import scored_at
from attnbench.benchmark.subject import subject_of
from attnbench.data.by_name import judged_by_name, not_judged
from attnbench.data.images import ImageData
from attnbench.experiments.cost import trained_cost
from attnbench.experiments.experiment import CPU, workload_of
from attnbench.experiments.image_outcomes import with_outcomes
from attnbench.experiments.needs import refuse_missing_names
from attnbench.experiments.other_size import fit_to
from attnbench.profiling.counting.weights import count_weights
from attnbench.records import ModelRecord
from attnbench.spec import ModelWorkload
from attnbench.tasks.base import Metric
from attnbench.tasks.factory import create_task
from attnbench.training.checkpoint import Checkpoint
from attnbench.training.evaluate import evaluate
from attnbench.training.weights import restored


def judge(
    checkpoint: Checkpoint,
    data: ImageData,
    *,
    run_name: str = "",
    batch_size: int = 64,
    device: torch.device = CPU,
    on_step: Callable[[int, int], None] = lambda done, total: None,
    on_batch: Callable[[Tensor, Any, Any], None] | None = None,
    on_metric: Callable[[Metric], None] | None = None,
    outcomes: Path | None = None,
) -> ModelRecord:
    """Evaluate a trained model in float32, and measure its cost.

    Of several processes (`attnbench.together`) the first one measures, and keeps outcomes.

    Args:
        checkpoint: the model, and the recipe that trained it.
        data: its held-out images are used; their classes are known by name. They may be larger or
            smaller than those of the training.
        run_name: name of the training run, for the record.
        batch_size: images a forward pass.
        device: where.
        on_step: called with (batches done, batches in all).
        on_batch: see `training.evaluate.evaluate`.
        on_metric: called with the metric, which holds more than the scores; at the first process.
        outcomes: the folder to keep the outcome of each image in; None keeps none.

    Raises:
        UserError: the weights do not fit the model, a plug-in is missing, the data set has classes
            that the model does not know, or its images have a size that the model does not take.
    """
    refuse_missing_names(checkpoint)
    data = judged_by_name(data, checkpoint.class_names, checkpoint.data)
    size = data.img_size
    model, workload = _model_at(checkpoint, size)
    recipe = replace(checkpoint.recipe, img_size=size, batch_size=batch_size, autocast="none")
    metrics: list[Metric] = []
    scores = evaluate(
        model.to(device), data, create_task(checkpoint.task), recipe, device=device,
        on_step=on_step, on_batch=on_batch, on_metric=metrics.append, intervals=True,
    )  # fmt: skip

    def measured() -> ModelRecord:
        if on_metric:
            on_metric(metrics[0])
        kept = scores
        if size != checkpoint.img_size:
            kept = replace(kept, scored_on=scored_at(data.name, data.held_out, size))
        if outcomes:
            kept = with_outcomes(kept, metrics[0], data, outcomes, run_name)
        cost = trained_cost(model, workload, device)
        if size != checkpoint.img_size:  # else counted of a model that is built for the size
            cost = replace(cost, params=count_weights(model).params)
        return replace(
            cost, recipe=checkpoint.recipe, run=run_name, scores=kept,
            notes=(*cost.notes, *_other_data(checkpoint, data), *not_judged(data)),
        )  # fmt: skip

    return together.on_first(measured)


def _model_at(checkpoint: Checkpoint, size: tuple[int, int]) -> tuple[nn.Module, ModelWorkload]:
    """The trained model for images of a size, and what is measured of it."""
    workload = workload_of(checkpoint)
    model = restored(checkpoint, subject_of(workload).build)
    if size != checkpoint.img_size:
        fit_to(model, size, checkpoint.img_size)
        workload = replace(workload, img_size=size)
    return model, workload


def _other_data(checkpoint: Checkpoint, data: ImageData) -> list[str]:
    """The recipe of a record names the data of the training; the scores may be of others."""
    if data.img_size != checkpoint.img_size:
        height, width = checkpoint.img_size
        here = scored_at(data.name, data.held_out, data.img_size)
        return [f"scored on {here}, trained at {height} × {width} px"]
    if data.held_out != "val":
        return [f"scored on the {data.held_out} images of {data.name}"]
    same = data.name == checkpoint.recipe.data
    return [] if same else [f"scored on the held-out images of {data.name}"]

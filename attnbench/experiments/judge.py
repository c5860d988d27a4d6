"""Judge a checkpoint: its scores on held-out images, and its cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from attnbench.benchmark.subject import subject_of
from attnbench.data.images import ImageData
from attnbench.errors import UserError
from attnbench.experiments.cost import trained_cost
from attnbench.experiments.experiment import CPU, workload_of
from attnbench.records import ModelRecord
from attnbench.tasks.base import Metric
from attnbench.tasks.factory import create_task
from attnbench.training.checkpoint import Checkpoint, load_weights
from attnbench.training.evaluate import evaluate


def judge(
    checkpoint: Checkpoint,
    data: ImageData,
    *,
    run_name: str = "",
    batch_size: int = 64,
    device: torch.device = CPU,
    on_step: Callable[[int, int], None] = lambda done, total: None,
    on_metric: Callable[[Metric], None] | None = None,
) -> ModelRecord:
    """Evaluate a trained model in float32, and measure its cost.

    Args:
        checkpoint: the model, and the recipe that trained it.
        data: its held-out images are used.
        run_name: name of the training run, for the record.
        batch_size: images a forward pass.
        device: where.
        on_step: called with (batches done, batches in all).
        on_metric: called with the metric, which holds more than the scores.

    Raises:
        UserError: the weights do not fit the model, or the data set has other classes.
    """
    if data.class_names != checkpoint.class_names:
        raise UserError(
            f"the checkpoint was trained on the {checkpoint.num_classes} classes of "
            f"{checkpoint.data}; {data.name} has {data.num_classes} that differ: choose the data "
            "set with --data"
        )
    workload = workload_of(checkpoint)
    model = subject_of(workload).build()
    load_weights(model, checkpoint)
    recipe = replace(checkpoint.recipe, batch_size=batch_size, autocast="none")
    scores = evaluate(
        model.to(device), data, create_task(checkpoint.task), recipe, device=device,
        on_step=on_step, on_metric=on_metric, intervals=True,
    )  # fmt: skip
    cost = trained_cost(model, workload, device)
    return replace(cost, recipe=checkpoint.recipe, run=run_name, scores=scores)

"""Scores of a model on held-out images, and the time of its forward passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from attnbench.data.images import ImageData, num_batches
from attnbench.errors import UserError
from attnbench.records import Scores
from attnbench.spec import Recipe
from attnbench.tasks.base import DetailedMetric, Metric, Task
from attnbench.training.precision import autocast_on

SEED = 0
"""Of transforms that draw random numbers even in evaluation."""


def evaluate(
    model: nn.Module,
    data: ImageData,
    task: Task,
    recipe: Recipe,
    *,
    device: torch.device | str,
    on_step: Callable[[int, int], None] | None = None,
    on_batch: Callable[[Tensor, Any, Any], None] | None = None,
    on_metric: Callable[[Metric], None] | None = None,
    intervals: bool = False,
) -> Scores:
    """Score a model on every held-out image. Its training mode is restored afterwards.

    Args:
        model: takes float32 (batch, 3, height, width), normalised; on `device` already.
        data: its held-out images are used.
        task: gives the transforms, the predictions and the metric.
        recipe: batch size, autocast, and what the transforms need.
        device: where the forward passes run.
        on_step: called with (batches done, batches in all).
        on_batch: called with the pixels of a batch and its targets, both as the data set gives
            them, and what the task predicts.
        on_metric: called at the end with the metric, which holds more than the scores.
        intervals: add the intervals of scores, where the metric has them.

    Raises:
        UserError: a score is not finite, or torch lacks an operation in the recipe's precision.
    """
    device = torch.device(device)
    total = num_batches(len(data.val), recipe.batch_size)
    transform, metric = task.transforms(recipe, train=False), task.metric(data.class_names)
    generator = torch.Generator().manual_seed(SEED)
    forward_s = predict_s = 0.0
    warm: set[torch.Size] = set()
    with evaluating(model), autocast_on(device, recipe):
        for done, (pixels, given) in enumerate(
            data.val.batches(recipe.batch_size, seed=None, device=device)
        ):
            inputs, targets = transform(pixels, given, generator)
            if inputs.shape not in warm:
                model(inputs)  # not measured: the first call of a size loads kernels, or compiles
                warm.add(inputs.shape)
            outputs, seconds = _timed_forward(model, inputs)
            forward_s += seconds
            start = synchronised_clock(device)
            predictions = task.predict(model, outputs, targets)
            predict_s += synchronised_clock(device) - start
            metric.update(predictions, targets)
            if on_batch:
                on_batch(pixels, given, predictions)
            if on_step:
                on_step(done + 1, total)
    values = metric.compute()
    _refuse_not_finite(values)
    if on_metric:
        on_metric(metric)
    return Scores(
        task=task.name, values=values, count=len(data.val), forward_s=forward_s,
        predict_s=predict_s, scored_on=_scored_on(data, recipe), **_details(metric, intervals),
    )  # fmt: skip


def _refuse_not_finite(values: Mapping[str, float | None]) -> None:
    for name, value in values.items():
        if value is not None and not isfinite(value):
            raise UserError(
                f"evaluation expected finite scores, got {name} = {value}: the weights of the "
                "model are damaged or its training diverged; train again with a lower --lr"
            )


def _scored_on(data: ImageData, recipe: Recipe) -> str:
    """See `Scores.scored_on`: scores of unlike images are never compared."""
    usual = data.name == recipe.data and data.held_out == "val"
    return "" if usual else f"{data.name} {data.held_out}"


def _details(metric: Metric, intervals: bool) -> dict[str, Any]:
    """What a metric says beside its values, as fields of `Scores`."""
    if not isinstance(metric, DetailedMetric):
        return {}
    return {
        "by_class": metric.compute_by_class(),
        "intervals": metric.compute_intervals() if intervals else {},
        "notes": metric.notes(),
    }


def synchronised_clock(device: torch.device) -> float:
    """Seconds, read after the device has finished all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter()


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; the training mode is restored at the end.

    Not `inference_mode`: a buffer that a model caches there could never be trained with again.
    """
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was_training)


def _timed_forward(model: nn.Module, inputs: Tensor) -> tuple[Any, float]:
    start = synchronised_clock(inputs.device)
    outputs = model(inputs)
    return outputs, synchronised_clock(inputs.device) - start

"""Scores of a model on held-out images, and the time of its forward passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from attnbench import together
from attnbench.data.images import ImageData, num_batches
from attnbench.errors import UserError
from attnbench.records import Scores
from attnbench.spec import Recipe
from attnbench.tasks.base import DetailedMetric, Metric, Task, Transform
from attnbench.training.precision import autocast_on
from attnbench.training.sharding import is_sharded

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

    Several processes take whole batches each, the first ones the first process. What they have seen
    is joined in this order, so the scores are those of one process.

    Args:
        model: takes float32 (batch, 3, height, width), normalised; on `device` already.
        data: its held-out images are used.
        task: gives the transforms, the predictions and the metric.
        recipe: batch size, autocast, and what the transforms need.
        device: where the forward passes run.
        on_step: called with (batches done, batches in all), equally often at all processes.
        on_batch: called with the pixels of a batch and its targets, both as the data set gives
            them, and what the task predicts.
        on_metric: called at the end with the metric, which holds more than the scores; at the first
            process alone.
        intervals: add the intervals of scores, where the metric has them.

    Raises:
        UserError: a score is not finite, or torch lacks an operation in the recipe's precision.
    """
    device = torch.device(device)
    seen = _Seen(task.metric(data.class_names))
    with evaluating(model), autocast_on(device, recipe):
        _look_at(model, data, task, recipe, device, seen, on_step, on_batch)
    every = together.gathered(seen)

    def scored() -> Scores:
        whole = every[0]
        for another in every[1:]:
            whole.merge(another)
        values = whole.metric.compute()
        _refuse_not_finite(values)
        if on_metric:
            on_metric(whole.metric)
        return Scores(
            task=task.name, values=values, count=len(data.val), forward_s=whole.forward_s,
            predict_s=whole.predict_s, scored_on=_scored_on(data, recipe),
            processes=together.size(), **_details(whole.metric, intervals),
        )  # fmt: skip

    return together.on_first(scored)


@dataclass(slots=True)
class _Seen:
    """What a process has seen of an evaluation."""

    metric: Metric
    forward_s: float = 0.0
    predict_s: float = 0.0

    def merge(self, other: _Seen) -> None:
        self.metric.merge(other.metric)
        self.forward_s += other.forward_s
        self.predict_s += other.predict_s


def _look_at(
    model: nn.Module,
    data: ImageData,
    task: Task,
    recipe: Recipe,
    device: torch.device,
    seen: _Seen,
    on_step: Callable[[int, int], None] | None,
    on_batch: Callable[[Tensor, Any, Any], None] | None,
) -> None:
    """Look at the batches of this process."""
    total = num_batches(len(data.val), recipe.batch_size)
    transform, generator = task.transforms(recipe, train=False), torch.Generator()
    first, last = _own_batches(total)
    batches = data.val.batches(recipe.batch_size, seed=None, device=device, first=first)
    warm: set[torch.Size] = set()
    all_call_together = is_sharded(model)
    for place, (pixels, given) in zip(range(first, last), batches, strict=False):
        generator.manual_seed(SEED + place)
        inputs, targets = transform(pixels, given, generator)
        if inputs.shape not in warm and not (warm and all_call_together):
            model(inputs)  # not measured: the first call of a size loads kernels, or compiles
            warm.add(inputs.shape)
        outputs, seconds = _timed_forward(model, inputs)
        seen.forward_s += seconds
        start = synchronised_clock(device)
        predictions = task.predict(model, outputs, targets)
        seen.predict_s += synchronised_clock(device) - start
        seen.metric.update(predictions, targets)
        if on_batch:
            on_batch(pixels, given, predictions)
        if on_step:
            on_step(min((place - first + 1) * together.size(), total), total)
    wait = _Waiting(model, data, transform, recipe, device) if all_call_together else None
    if wait and last == first:
        wait()  # those who have a batch call the model once before
    for _ in range(last - first, _most_batches(total)):
        if wait:
            wait()
        if on_step:
            on_step(total, total)


class _Waiting:
    """Calls of a sharded model by a process without a batch: the others need its weights."""

    def __init__(
        self,
        model: nn.Module,
        data: ImageData,
        transform: Transform,
        recipe: Recipe,
        device: torch.device,
    ) -> None:
        self._model = model
        pixels, given = next(data.val.batches(recipe.batch_size, seed=None, device=device))
        self._inputs, _ = transform(pixels, given, torch.Generator())

    def __call__(self) -> None:
        self._model(self._inputs)


def _most_batches(total: int) -> int:
    """The batches of the process that has the most of them."""
    return -(-total // together.size())


def _own_batches(total: int) -> tuple[int, int]:
    """The first batch of this process, and the one after its last."""
    each, rank = _most_batches(total), together.rank()
    return min(rank * each, total), min((rank + 1) * each, total)


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

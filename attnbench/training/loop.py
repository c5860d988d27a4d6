"""The training loop: one seed gives every model the same batches and the same augmentation.

The loop can be left after any step. Its state there holds all that the rest of the run depends on:
weights, optimizer, the place in the epoch, and the random numbers (`training.generators`). The
learning rate is a function of the step. So a run that goes on from a state ends with the bits of
one that never stopped (on a CPU; GPUs add in any order).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import isfinite
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from attnbench.data.images import ImageData, num_batches
from attnbench.errors import UserError
from attnbench.records import Progress, Scores
from attnbench.spec import Recipe
from attnbench.tasks.base import Metric, Task
from attnbench.training.auxiliary import collected_losses
from attnbench.training.checkpoint import TrainState
from attnbench.training.evaluate import autocast_on, evaluate, synchronised_clock
from attnbench.training.generators import Generators
from attnbench.training.optimizer import make_optimizer
from attnbench.training.schedule import learning_rate
from attnbench.training.weights import fill, fill_optimizer

ONE_VALUE = "more than 1 value per channel"
"""In torch's message of a BatchNorm that is to normalise a single value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that was done, as it is told to those who watch."""

    done: int
    """Steps of the whole run so far, this one included."""
    total: int
    """Steps of the whole run."""
    epoch: int
    """Counted from 1."""
    images: int
    """In the batch."""
    loss: float
    lr: float
    """The learning rate of the step."""


OnStep = Callable[[Step], None]
"""Called after each step."""
OnPause = Callable[[Callable[[], TrainState]], None]
"""Called between steps, and between the batches of an evaluation, with a function that gives the
state of the run there. Save that state before you return, or raise to stop the run."""
OnEpoch = Callable[[Progress, Scores, TrainState], None]
"""Called after each epoch and its evaluation; the state's tensors are live until it returns."""


def train(
    model: nn.Module,
    data: ImageData,
    task: Task,
    recipe: Recipe,
    *,
    device: torch.device | str,
    state: TrainState | None = None,
    on_step: OnStep = lambda step: None,
    on_pause: OnPause | None = None,
    on_epoch: OnEpoch | None = None,
    on_metric: Callable[[Metric], None] | None = None,
) -> TrainState:
    """Train a model and evaluate it after each epoch; the model is moved to the device.

    The seeds of torch, NumPy and Python are set, for what the model draws (dropout).

    Args:
        model: takes float32 (batch, 3, height, width), normalised; returns what the task expects.
        data: images to train on and held-out ones.
        task: gives the transforms, the loss and the metric.
        recipe: how to train.
        device: where to train.
        state: of a stopped run; what it has done is not done again.
        on_step: see `OnStep`.
        on_pause: see `OnPause`.
        on_epoch: see `OnEpoch`; save checkpoints here.
        on_metric: called before it with the metric of the evaluation after the last epoch.

    Returns:
        The state at the end, with the live tensors of model and optimizer.

    Raises:
        UserError: the loss is not finite, the state belongs to another model or to another number
            of images, autocast is asked for on a CPU, or a model with BatchNorm gets single images.
    """
    run = _start(model, data, task, recipe, torch.device(device), state)
    pause = partial(on_pause, partial(_state, run)) if on_pause else lambda: None
    while run.epochs < recipe.epochs:
        loss = _train_epoch(run, on_step, pause)
        progress = Progress(
            epoch=run.epochs + 1, train_loss=loss, train_s=run.watch.seconds, images=len(data.train)
        )
        last = run.epochs + 1 == recipe.epochs
        scores = evaluate(
            model, data, task, recipe, device=run.device, on_step=lambda done, total: pause(),
            intervals=last, on_metric=on_metric if last else None,
        )  # fmt: skip
        run.epochs, run.step, run.loss_sum = run.epochs + 1, 0, 0.0
        if on_epoch:
            on_epoch(progress, scores, _state(run))
    return _state(run)


class _Watch:
    """Seconds of training, without evaluation and saving."""

    def __init__(self, device: torch.device, seconds: float) -> None:
        self._device, self.seconds = device, seconds
        self._began: float | None = None

    def start(self) -> None:
        """Go on, if it does not run."""
        if self._began is None:
            self._began = synchronised_clock(self._device)

    def stop(self) -> None:
        """Stand still, if it runs."""
        if self._began is not None:
            self.seconds += synchronised_clock(self._device) - self._began
            self._began = None


@dataclass(slots=True, kw_only=True)
class _Run:
    """What stays the same from step to step, and how far the run has come."""

    model: nn.Module
    data: ImageData
    task: Task
    recipe: Recipe
    device: torch.device
    optimizer: Optimizer
    steps_per_epoch: int
    generators: Generators
    watch: _Watch
    epochs: int = 0
    """Epochs done, with their evaluation."""
    step: int = 0
    """Steps done in the epoch after them."""
    loss_sum: float = 0.0
    """Over the images of these steps."""
    left_off: Mapping[str, Tensor] = field(default_factory=dict)
    """The state of the generators after these steps, until the epoch goes on."""


def _start(
    model: nn.Module,
    data: ImageData,
    task: Task,
    recipe: Recipe,
    device: torch.device,
    state: TrainState | None,
) -> _Run:
    """Model and optimizer on the device, with the values of the state if there is one."""
    autocast_on(device, recipe.autocast)  # refuse before the first epoch, not in it
    task.metric(data.class_names)  # the same, where the metric needs a package that is missing
    model.to(device)
    run = _Run(
        model=model,
        data=data,
        task=task,
        recipe=recipe,
        device=device,
        optimizer=make_optimizer(model, recipe),
        steps_per_epoch=num_batches(len(data.train), recipe.batch_size),
        generators=Generators(recipe.seed, device),
        watch=_Watch(device, state.train_s if state else 0.0),
    )
    if state:
        _go_on_from(run, state)
    return run


def _go_on_from(run: _Run, state: TrainState) -> None:
    if state.step and state.images != len(run.data.train):
        raise UserError(
            f"the checkpoint is in the middle of an epoch of {state.images:,} images, and the data "
            f"set has {len(run.data.train):,}; restore it, or train again"
        )
    fill(run.model, state.model)
    fill_optimizer(run.optimizer, state.optimizer)
    run.epochs, run.step, run.loss_sum = state.epochs, state.step, state.loss_sum
    run.left_off = state.generators


def _state(run: _Run) -> TrainState:
    """The state between two steps; the watch stands still until the next one."""
    run.watch.stop()
    return TrainState(
        epochs=run.epochs,
        step=run.step,
        images=len(run.data.train),
        model=dict(run.model.state_dict()),
        optimizer=run.optimizer.state_dict(),
        train_s=run.watch.seconds,
        loss_sum=run.loss_sum,
        generators=run.generators.state() if run.step else {},
    )


def _train_epoch(run: _Run, on_step: OnStep, pause: Callable[[], None]) -> float:
    """The rest of one pass over the training images; returns the mean loss per image of it all."""
    recipe, epoch = run.recipe, run.epochs + 1
    run.model.train()
    run.generators.begin_epoch(epoch, run.left_off)
    run.left_off = {}
    transform = run.task.transforms(recipe, train=True)
    batches = run.data.train.batches(
        recipe.batch_size, seed=run.generators.order(epoch), device=run.device, first=run.step
    )
    run.watch.start()
    for pixels, given in batches:
        step = run.epochs * run.steps_per_epoch + run.step
        run.generators.begin_step(step)
        images, targets = transform(pixels, given, run.generators.augmentation)
        rate = learning_rate(step, run.steps_per_epoch, recipe)
        loss = _train_step(run, rate, images, targets)
        run.step += 1
        run.loss_sum += loss * len(images)
        total = recipe.epochs * run.steps_per_epoch
        on_step(
            Step(done=step + 1, total=total, epoch=epoch, images=len(images), loss=loss, lr=rate)
        )
        pause()
        run.watch.start()
    run.watch.stop()
    return run.loss_sum / len(run.data.train)


def _train_step(run: _Run, rate: float, images: Tensor, targets: Any) -> float:
    """Forward, backward and update; returns the loss of the batch."""
    recipe = run.recipe
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    with autocast_on(run.device, recipe.autocast), collected_losses(run.model) as auxiliary:
        outputs = _forward(run.model, images)
    loss = run.task.loss(run.model, outputs, targets, recipe)
    for extra in auxiliary:
        loss = loss + extra
    value = loss.item()
    if not isfinite(value):
        raise UserError(
            f"training diverged at epoch {run.epochs + 1} (loss {value}, learning rate "
            f"{rate:.1e}): lower --lr"
        )
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    if recipe.clip_grad > 0:
        nn.utils.clip_grad_norm_(run.model.parameters(), recipe.clip_grad)
    run.optimizer.step()
    return value


def _forward(model: nn.Module, images: Tensor) -> Any:
    """The outputs for a batch.

    Batches of one image come from `batch_size` 1, or from a set of one image, in the first step.
    """
    try:
        return model(images)
    except ValueError as error:
        if len(images) > 1 or ONE_VALUE not in str(error):
            raise
        raise UserError(
            "training expects at least 2 images a batch for a model with BatchNorm, got 1: give "
            "--batch-size 2 or more, and at least 2 images"
        ) from error

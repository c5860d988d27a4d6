"""The training loop: one seed gives every model the same batches and the same augmentation.

Each epoch has its own random generators, seeded by the recipe's seed and the epoch. So a run that
stops after an epoch resumes exactly as if it had never stopped.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
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
from attnbench.training.optimizer import make_optimizer
from attnbench.training.schedule import learning_rate
from attnbench.training.weights import fill, fill_optimizer

ONE_VALUE = "more than 1 value per channel"
"""In torch's message of a BatchNorm that is to normalise a single value."""

OnStep = Callable[[int, int, float], None]
"""Called with (steps done, steps of the whole run, loss of the step)."""
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
    on_step: OnStep | None = None,
    on_epoch: OnEpoch | None = None,
    on_metric: Callable[[Metric], None] | None = None,
) -> TrainState:
    """Train a model and evaluate it after each epoch; the model is moved to the device.

    The seed of torch is set at each epoch, for random numbers that the model draws (dropout).

    Args:
        model: takes float32 (batch, 3, height, width), normalised; returns what the task expects.
        data: images to train on and held-out ones.
        task: gives the transforms, the loss and the metric.
        recipe: how to train.
        device: where to train.
        state: of a stopped run; its epochs are not run again.
        on_step: see `OnStep`.
        on_epoch: see `OnEpoch`; save checkpoints here.
        on_metric: called before it with the metric of the evaluation after the last epoch.

    Returns:
        The state at the end, with the live tensors of model and optimizer.

    Raises:
        UserError: the loss is not finite, the state belongs to another model, autocast is asked
            for on a CPU, or a model with BatchNorm gets single images.
    """
    run = _start(model, data, task, recipe, torch.device(device), state)
    epochs_done, train_s = (state.epochs, state.train_s) if state else (0, 0.0)
    for epoch in range(epochs_done + 1, recipe.epochs + 1):
        began = synchronised_clock(run.device)
        loss = _train_epoch(run, epoch, on_step)
        train_s += synchronised_clock(run.device) - began
        progress = Progress(epoch=epoch, train_loss=loss, train_s=train_s, images=len(data.train))
        last = epoch == recipe.epochs
        scores = evaluate(
            model, data, task, recipe, device=run.device, intervals=last,
            on_metric=on_metric if last else None,
        )  # fmt: skip
        epochs_done = epoch
        if on_epoch:
            on_epoch(progress, scores, _state(run, epoch, train_s))
    return _state(run, epochs_done, train_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What stays the same from step to step."""

    model: nn.Module
    data: ImageData
    task: Task
    recipe: Recipe
    device: torch.device
    optimizer: Optimizer
    steps_per_epoch: int


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
    optimizer = make_optimizer(model, recipe)
    if state:
        fill(model, state.model)
        fill_optimizer(optimizer, state.optimizer)
    return _Run(
        model=model,
        data=data,
        task=task,
        recipe=recipe,
        device=device,
        optimizer=optimizer,
        steps_per_epoch=num_batches(len(data.train), recipe.batch_size),
    )


def _state(run: _Run, epochs: int, train_s: float) -> TrainState:
    return TrainState(
        epochs=epochs,
        model=dict(run.model.state_dict()),
        optimizer=run.optimizer.state_dict(),
        train_s=train_s,
    )


def _train_epoch(run: _Run, epoch: int, on_step: OnStep | None) -> float:
    """One pass over the training images; returns the mean loss per image."""
    recipe = run.recipe
    run.model.train()
    torch.manual_seed(_seed(recipe.seed, epoch, "model"))
    generator = torch.Generator().manual_seed(_seed(recipe.seed, epoch, "augmentation"))
    transform = run.task.transforms(recipe, train=True)
    batches = run.data.train.batches(
        recipe.batch_size, seed=_seed(recipe.seed, epoch, "order"), device=run.device
    )
    total = 0.0
    for step, (pixels, given) in enumerate(batches, start=(epoch - 1) * run.steps_per_epoch):
        images, targets = transform(pixels, given, generator)
        loss = _train_step(run, step, images, targets)
        total += loss * len(images)
        if on_step:
            on_step(step + 1, recipe.epochs * run.steps_per_epoch, loss)
    return total / len(run.data.train)


def _seed(seed: int, epoch: int, purpose: str) -> int:
    """Independent 63-bit seeds for each epoch and each purpose; the same on every machine."""
    return random.Random(f"{seed}/{epoch}/{purpose}").getrandbits(63)


def _train_step(run: _Run, step: int, images: Tensor, targets: Any) -> float:
    """Forward, backward and update; returns the loss of the batch."""
    recipe = run.recipe
    rate = learning_rate(step, run.steps_per_epoch, recipe)
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
            f"training diverged at epoch {1 + step // run.steps_per_epoch} (loss {value}, "
            f"learning rate {rate:.1e}): lower --lr"
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

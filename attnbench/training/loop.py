"""The training loop: the same batches, crops and flips for every model under one seed.

Every epoch draws its random numbers from generators of its own, seeded by the recipe's seed and
the epoch. So a run that stops after an epoch goes on exactly as if it had never stopped.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, isfinite

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from attnbench.data.augment import augment
from attnbench.data.images import ImageData
from attnbench.errors import UserError
from attnbench.records import Progress, Scores
from attnbench.spec import Recipe
from attnbench.training.checkpoint import TrainState, fill
from attnbench.training.evaluate import autocast_on, evaluate, synchronised_clock
from attnbench.training.optimizer import make_optimizer
from attnbench.training.recipe import learning_rate

OnStep = Callable[[int, int, float], None]
"""Called with (steps done, steps of the whole run, loss of the step)."""
OnEpoch = Callable[[Progress, Scores, TrainState], None]
"""Called after each epoch and its evaluation; the state's tensors are live until it returns."""


def train(
    model: nn.Module,
    data: ImageData,
    recipe: Recipe,
    *,
    device: torch.device | str,
    state: TrainState | None = None,
    on_step: OnStep | None = None,
    on_epoch: OnEpoch | None = None,
) -> TrainState:
    """Train a model and evaluate it after each epoch; the model is moved to the device.

    The seed of torch is set at each epoch, for whatever the model itself draws (dropout).

    Args:
        model: float32 (batch, 3, size, size), normalised, to logits (batch, classes).
        data: images to train on and held-out ones.
        recipe: every knob.
        device: where to train.
        state: where a stopped run stood; its epochs are not run again.
        on_step: see `OnStep`.
        on_epoch: see `OnEpoch`; the place to save a checkpoint.

    Returns:
        Where the run stands at its end, with the live tensors of model and optimizer.

    Raises:
        UserError: the loss is no longer finite, the state belongs to another model, or autocast
            is asked for on a CPU.
    """
    run = _start(model, data, recipe, torch.device(device), state)
    epochs_done, train_s = (state.epochs, state.train_s) if state else (0, 0.0)
    for epoch in range(epochs_done + 1, recipe.epochs + 1):
        began = synchronised_clock(run.device)
        loss = _train_epoch(run, epoch, on_step)
        train_s += synchronised_clock(run.device) - began
        progress = Progress(epoch=epoch, train_loss=loss, train_s=train_s, images=len(data.train))
        scores = evaluate(
            model, data.val, batch_size=recipe.batch_size, device=run.device,
            autocast=recipe.autocast,
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
    recipe: Recipe
    device: torch.device
    optimizer: Optimizer
    steps_per_epoch: int


def _start(
    model: nn.Module,
    data: ImageData,
    recipe: Recipe,
    device: torch.device,
    state: TrainState | None,
) -> _Run:
    """Model and optimizer on the device, as the state left them."""
    autocast_on(device, recipe.autocast)  # refuse before the first epoch, not in it
    model.to(device)
    optimizer = make_optimizer(model, recipe)
    if state:
        fill(model, state.model)
        optimizer.load_state_dict(state.optimizer)
    return _Run(
        model=model,
        data=data,
        recipe=recipe,
        device=device,
        optimizer=optimizer,
        steps_per_epoch=ceil(len(data.train) / recipe.batch_size),
    )


def _state(run: _Run, epochs: int, train_s: float) -> TrainState:
    return TrainState(
        epochs=epochs,
        model=dict(run.model.state_dict()),
        optimizer=run.optimizer.state_dict(),
        train_s=train_s,
    )


def _train_epoch(run: _Run, epoch: int, on_step: OnStep | None) -> float:
    """One pass over the training images; returns the mean loss an image."""
    recipe = run.recipe
    run.model.train()
    torch.manual_seed(_seed(recipe.seed, epoch, "model"))
    generator = torch.Generator().manual_seed(_seed(recipe.seed, epoch, "augmentation"))
    batches = run.data.train.batches(
        recipe.batch_size, seed=_seed(recipe.seed, epoch, "order"), device=run.device
    )
    total = 0.0
    for step, (pixels, labels) in enumerate(batches, start=(epoch - 1) * run.steps_per_epoch):
        images = augment(
            pixels, crop_padding=recipe.crop_padding, flip=recipe.flip, generator=generator
        )
        loss = _train_step(run, step, images, labels)
        total += loss * len(labels)
        if on_step:
            on_step(step + 1, recipe.epochs * run.steps_per_epoch, loss)
    return total / len(run.data.train)


def _seed(seed: int, epoch: int, purpose: str) -> int:
    """Independent 63-bit seeds for each epoch and each purpose; the same on every machine."""
    return random.Random(f"{seed}/{epoch}/{purpose}").getrandbits(63)


def _train_step(run: _Run, step: int, images: Tensor, labels: Tensor) -> float:
    """Forward, backward and update; returns the loss of the batch."""
    recipe = run.recipe
    rate = learning_rate(step, run.steps_per_epoch, recipe)
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    with autocast_on(run.device, recipe.autocast):
        logits = run.model(images)
    loss = F.cross_entropy(logits.float(), labels, label_smoothing=recipe.label_smoothing)
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

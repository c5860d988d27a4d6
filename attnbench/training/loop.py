"""The training loop: one seed gives every model the same batches and the same augmentation.

The loop can be left after any step. Its state there holds all that the rest of the run depends on:
weights, optimizer, the place in the epoch, and the random numbers (`training.generators`). The
learning rate is a function of the step. So a run that goes on from a state ends with the bits of
one that never stopped (on a CPU; GPUs add in any order).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn

from attnbench import together
from attnbench.data.augmented import to_train_on
from attnbench.data.images import ImageData, ImageSet, num_batches
from attnbench.errors import UserError
from attnbench.records import Progress, Scores
from attnbench.spec import Recipe
from attnbench.tasks.base import Metric, Task
from attnbench.training.average import Average
from attnbench.training.checkpoint import TrainState
from attnbench.training.compiling import refuse_compiler
from attnbench.training.evaluate import evaluate, synchronised_clock
from attnbench.training.generators import Generators
from attnbench.training.memory_format import channels_last_if_convolutional
from attnbench.training.optimizer import make_optimizer
from attnbench.training.precision import refuse_precision
from attnbench.training.schedule import learning_rate
from attnbench.training.sharding import refuse_alone, shard, whole
from attnbench.training.step import Stepper
from attnbench.training.weights import fill, fill_optimizer, fill_scaler


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that was done, as it is told to those who watch."""

    done: int
    """Steps of the whole run so far, this one included."""
    total: int
    """Steps of the whole run."""
    epoch: int
    """Counted from 1."""
    epochs: int
    """Of the whole run."""
    images: int
    """In the batch."""
    loss: float
    """Of the batch; on a GPU that of the newest one that was read (`training.losses`)."""
    lr: float
    """The learning rate of the step."""

    @property
    def ends_epoch(self) -> bool:
        """Whether an evaluation comes next."""
        return self.done * self.epochs == self.epoch * self.total


OnStep = Callable[[Step], None]
"""Called after each step."""
OnPause = Callable[[Callable[[], TrainState]], None]
"""Called between steps, and between the batches of an evaluation, with a function that gives the
state of the run there. Save that state before you return, or raise to stop the run. Of several
processes all ask for the state, or none."""
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
    teacher: nn.Module | None = None,
    compiler: str = "",
    sharded: bool = False,
    on_step: OnStep = lambda step: None,
    on_pause: OnPause | None = None,
    on_epoch: OnEpoch | None = None,
    on_metric: Callable[[Metric], None] | None = None,
) -> TrainState:
    """Train a model and evaluate it after each epoch; the model is moved to the device.

    Several processes share each batch and each evaluation (`attnbench.together`). The seeds of
    torch, NumPy and Python are set, for what the model draws (dropout).

    Args:
        model: takes float32 (batch, 3, height, width), normalised; returns what the task expects.
        data: images to train on and held-out ones.
        task: gives the transforms, the loss and the metric.
        recipe: how to train.
        device: where to train.
        state: of a stopped run; what it has done is not done again.
        teacher: of a distillation, in evaluation mode on the device.
        compiler: a backend of torch.compile, such as "inductor"; "" compiles nothing.
        sharded: each of several processes keeps a part of the weights; states are then whole at
            the first process alone.
        on_step: see `OnStep`.
        on_pause: see `OnPause`.
        on_epoch: see `OnEpoch`; save checkpoints here.
        on_metric: called before it with the metric of the evaluation after the last epoch.

    Returns:
        The state at the end, with the live tensors of model and optimizer.

    Raises:
        UserError: the loss is not finite, the state belongs to another model or to another number
            of images, a model with BatchNorm gets single images, or the recipe asks for what the
            device, the model, the compiler or the data do not have.
    """
    with nullcontext() if sharded else channels_last_if_convolutional(model):
        run = _start(
            model, data, task, recipe, torch.device(device), state, teacher, compiler, sharded
        )
        with run.stepper.changed():
            _train_epochs(run, on_step, on_pause, on_epoch, on_metric)
            return _state(run)


def _train_epochs(
    run: _Run,
    on_step: OnStep,
    on_pause: OnPause | None,
    on_epoch: OnEpoch | None,
    on_metric: Callable[[Metric], None] | None,
) -> None:
    pause = partial(on_pause, partial(_state, run)) if on_pause else lambda: None
    while run.epochs < run.recipe.epochs:
        loss = _train_epoch(run, on_step, pause)
        progress = Progress(
            epoch=run.epochs + 1,
            train_loss=loss,
            train_s=run.watch.seconds,
            images=len(run.data.train),
            compiler=run.stepper.compiler,
            skipped_steps=run.stepper.skipped(run.epochs * run.steps_per_epoch + run.step),
            processes=together.size(),
        )
        last = run.epochs + 1 == run.recipe.epochs
        scores = evaluate(
            run.stepper.average.model, run.data, run.task, run.recipe, device=run.device,
            on_step=lambda done, total: pause(), intervals=last,
            on_metric=on_metric if last else None,
        )  # fmt: skip
        run.epochs, run.step = run.epochs + 1, 0
        run.stepper.losses.begin(0.0)
        if on_epoch:
            on_epoch(progress, scores, _state(run))


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
    images: ImageSet
    """Those to train on, augmented one by one if the recipe says so."""
    stepper: Stepper
    steps_per_epoch: int
    generators: Generators
    watch: _Watch
    epochs: int = 0
    """Epochs done, with their evaluation."""
    step: int = 0
    """Steps done in the epoch after them."""
    left_off: Mapping[str, Tensor] = field(default_factory=dict)
    """The state of the generators after these steps, until the epoch goes on."""


def _start(
    model: nn.Module,
    data: ImageData,
    task: Task,
    recipe: Recipe,
    device: torch.device,
    state: TrainState | None,
    teacher: nn.Module | None,
    compiler: str,
    sharded: bool,
) -> _Run:
    """Model and optimizer on the device, with the values of the state if there is one."""
    refuse_precision(recipe, device)  # before the first epoch, not in it
    refuse_compiler(recipe, compiler)
    task.metric(data.class_names)  # the same, where the metric needs a package that is missing
    model.to(device)
    average = Average(model, recipe)
    if sharded:
        refuse_alone()
        shard(model, device)
        average.shard(device)
    optimizer = make_optimizer(model, recipe)
    run = _Run(
        model=model,
        data=data,
        task=task,
        recipe=recipe,
        device=device,
        images=to_train_on(data.train, recipe),
        stepper=Stepper(
            model, task, recipe, device, optimizer, average, teacher=teacher, compiler=compiler
        ),
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
    fill_optimizer(run.stepper.optimizer, state.optimizer)
    fill_scaler(run.stepper.scaler, state.scaler)
    run.stepper.average.go_on_from(state.average)
    run.stepper.losses.begin(state.loss_sum)
    run.epochs, run.step = state.epochs, state.step
    run.left_off = state.generators


def _state(run: _Run) -> TrainState:
    """The state between two steps; the watch stands still until the next one."""
    run.watch.stop()
    return TrainState(
        epochs=run.epochs,
        step=run.step,
        images=len(run.data.train),
        model=whole(dict(run.model.state_dict())),
        optimizer=whole(run.stepper.optimizer.state_dict()),
        average=whole(run.stepper.average.weights),
        scaler=run.stepper.scaler.state_dict(),
        train_s=run.watch.seconds,
        loss_sum=run.stepper.losses.total(),
        generators=run.generators.state() if run.step else {},
    )


def _train_epoch(run: _Run, on_step: OnStep, pause: Callable[[], None]) -> float:
    """The rest of one pass over the training images; returns the mean loss per image of it all."""
    recipe, epoch = run.recipe, run.epochs + 1
    run.model.train()
    run.generators.begin_epoch(epoch, run.left_off)
    run.left_off = {}
    transform = run.task.transforms(recipe, train=True)
    batches = run.stepper.share.batches(
        run.images, recipe.batch_size, seed=run.generators.order(epoch), device=run.device,
        first=run.step,
    )  # fmt: skip
    run.watch.start()
    for pixels, given in batches:
        step = run.epochs * run.steps_per_epoch + run.step
        run.generators.begin_step(step)
        images, targets = transform(pixels, given, run.generators.augmentation)
        rate = learning_rate(step, run.steps_per_epoch, recipe)
        run.stepper.step(step + 1, epoch, rate, images, targets)
        run.step += 1
        on_step(
            Step(
                done=step + 1,
                total=recipe.epochs * run.steps_per_epoch,
                epoch=epoch,
                epochs=recipe.epochs,
                images=len(images),
                loss=run.stepper.losses.newest,
                lr=rate,
            )
        )
        pause()
        run.watch.start()
    run.watch.stop()
    return run.stepper.losses.total() / len(run.data.train)

"""One step of a training: forward, backward and update, in as many parts as the recipe says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from attnbench import together
from attnbench.errors import UserError
from attnbench.spec import Recipe
from attnbench.tasks.base import Task
from attnbench.tasks.whole_batch import in_whole_batch
from attnbench.training.auxiliary import collected_losses
from attnbench.training.average import Average
from attnbench.training.blocks import recomputed_blocks
from attnbench.training.compiling import compiled
from attnbench.training.distillation import answers_of, heads_apart, taught, teachers_loss
from attnbench.training.drop_path import dropped_paths
from attnbench.training.losses import Losses
from attnbench.training.optimizer import set_rate
from attnbench.training.parallel import Parallel
from attnbench.training.precision import autocast_on, loss_scaler, skipped_steps, tf32_products
from attnbench.training.sharding import is_sharded
from attnbench.training.share import share_of_this_process

ONE_VALUE = "more than 1 value per channel"
"""In torch's message of a BatchNorm that is to normalise a single value."""


class Stepper:
    """Trains a model batch by batch; use it within `changed`."""

    def __init__(
        self,
        model: nn.Module,
        task: Task,
        recipe: Recipe,
        device: torch.device,
        optimizer: Optimizer,
        average: Average,
        *,
        teacher: nn.Module | None = None,
        compiler: str = "",
    ) -> None:
        """The model is on its device, with the weights to begin at.

        Args:
            model: to be trained.
            task: gives the loss.
            recipe: how.
            device: where.
            optimizer: over the model's parameters.
            average: of its weights.
            teacher: in evaluation mode, on the device.
            compiler: see `training.compiling`.
        """
        self.model = model
        self.task = task
        self.recipe = recipe
        self.device = device
        self.optimizer = optimizer
        self.teacher = teacher
        self.average = average
        self.losses = Losses(device)
        self.compiler = compiler
        self.scaler = loss_scaler(recipe, device)
        self.share = share_of_this_process(recipe)
        self._parallel = Parallel(model, self._loss)
        self._heads: dict[str, Tensor] = {}

    @contextmanager
    def changed(self) -> Iterator[None]:
        """The model as the recipe changes it for the time of the training.

        Raises:
            UserError: the model has nothing that can be changed so.
        """
        with ExitStack() as stack:
            stack.enter_context(tf32_products(self.recipe))
            stack.enter_context(dropped_paths(self.model, self.recipe.drop_path))
            stack.enter_context(recomputed_blocks(self.model, self.recipe.recompute))
            self._heads = stack.enter_context(heads_apart(self.model, self.recipe))
            scored = [] if self.average.model is self.model else [self.average.model]
            stack.enter_context(compiled([self.model, *scored], self.compiler))
            yield

    def step(self, number: int, epoch: int, rate: float, images: Tensor, targets: Any) -> None:
        """Train on a batch.

        Args:
            number: of the step, counted from 1 over the whole run.
            epoch: counted from 1.
            rate: the learning rate.
            images: (batch, 3, height, width), the whole batch; see `training.share`.
            targets: as the task's transforms give them.

        Raises:
            UserError: a loss is not finite; it may be that of one of the steps before.
        """
        set_rate(self.optimizer, rate)
        self.optimizer.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.device)
        parts = [*self.share.parts(images, targets, self.recipe.accumulate)]
        for part in parts:
            with self._parallel.part(part, is_last=part is parts[-1]) as loss_of_part:
                loss = loss_of_part() * part.weight
                # The gradients of all processes are averaged.
                self.scaler.scale(loss * self.share.size).backward()
            total += loss.detach()
        self.losses.add(together.summed(total), len(images), epoch, rate)
        if self.recipe.clip_grad > 0:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip_grad)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.average.update(number)

    def skipped(self, done: int) -> int:
        """How many of the steps done changed nothing; see `training.precision`."""
        return skipped_steps(self.scaler, self.optimizer, done)

    def _loss(self, images: Tensor, targets: Any) -> Tensor:
        recipe = self.recipe
        with autocast_on(self.device, recipe), collected_losses(self.model) as auxiliary:
            outputs = _forward(self.model, images)
            answers = answers_of(self.teacher, images) if self.teacher else None
        loss = self.task.loss(self.model, self._heads.get("head", outputs), targets, recipe)
        if answers is not None:
            student = self._heads.get("head_dist", outputs)
            loss = taught(loss, teachers_loss(student, answers, recipe), recipe)
        if auxiliary and is_sharded(self.model):
            raise UserError(
                f"--shard: {type(self.model).__name__} has losses inside of its blocks, which FSDP "
                "does not see; leave it out"
            )
        for extra in auxiliary:
            loss = loss + extra
        return loss


def _forward(model: nn.Module, images: Tensor) -> Any:
    """The outputs for a batch.

    Batches of one image come from `batch_size` 1, or from a set of one image, in the first step.
    """
    try:
        return model(images)
    except ValueError as error:
        if in_whole_batch(len(images)) > 1 or ONE_VALUE not in str(error):
            raise
        raise UserError(
            "training expects at least 2 images a batch for a model with BatchNorm, got 1: give "
            "--batch-size 2 or more, and at least 2 images"
        ) from error

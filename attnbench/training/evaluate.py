"""Accuracy, loss and the time of the forwards of a classifier on held-out images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil, isfinite
from time import perf_counter
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from attnbench.data.augment import normalise
from attnbench.data.images import ImageSet
from attnbench.errors import UserError
from attnbench.records import Scores

Autocast = Literal["none", "bfloat16"]


def evaluate(
    model: nn.Module,
    images: ImageSet,
    *,
    batch_size: int,
    device: torch.device | str,
    autocast: Autocast = "none",
    on_step: Callable[[int, int], None] | None = None,
) -> Scores:
    """Judge a model by every image of a set; its training mode is put back afterwards.

    Args:
        model: float32 (batch, 3, height, width), normalised, to logits (batch, classes); on
            `device` already.
        images: a set that is not empty.
        batch_size: images a forward.
        device: where the forwards run.
        autocast: bfloat16 on CUDA, or none.
        on_step: called with (batches done, batches in all).

    Raises:
        UserError: the model's outputs are not finite, or autocast is asked for on a CPU.
    """
    device = torch.device(device)
    num_batches = ceil(len(images) / batch_size)
    totals = torch.zeros(3, dtype=torch.float64)
    forward_s = 0.0
    with _judging(model), autocast_on(device, autocast):
        for done, (pixels, labels) in enumerate(
            images.batches(batch_size, seed=None, device=device)
        ):
            inputs = normalise(pixels)
            if done == 0:
                model(inputs)  # unmeasured: the first call loads kernels and plans
            logits, seconds = _timed_forward(model, inputs)
            totals += _sums(logits.float(), labels).cpu()
            forward_s += seconds
            if on_step:
                on_step(done + 1, num_batches)
    top1, top5, loss = (totals / len(images)).tolist()
    if not isfinite(loss):
        raise UserError(
            f"evaluation expected finite outputs, got a loss of {loss}: the model's weights are "
            "damaged or its training diverged; train again with a lower --lr"
        )
    values = {"top1": top1, "top5": top5, "loss": loss}
    return Scores(task="classification", values=values, count=len(images), forward_s=forward_s)


def autocast_on(device: torch.device, autocast: Autocast) -> torch.autocast:
    """The mixed precision of a recipe, as a context.

    Raises:
        UserError: it is asked for elsewhere than on CUDA, where it is slower than float32.
    """
    if autocast == "bfloat16" and device.type != "cuda":
        raise UserError(f"autocast bfloat16 expects a CUDA device, got {device}; leave it at none")
    return torch.autocast(device.type, torch.bfloat16, enabled=autocast == "bfloat16")


def synchronised_clock(device: torch.device) -> float:
    """Seconds, read when the device has done all it was asked to."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter()


@contextmanager
def _judging(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients.

    Not `inference_mode`: a buffer that a model caches there could never be trained with again.
    """
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was_training)


def _timed_forward(model: nn.Module, inputs: Tensor) -> tuple[Tensor, float]:
    start = synchronised_clock(inputs.device)
    logits = model(inputs)
    return logits, synchronised_clock(inputs.device) - start


def _sums(logits: Tensor, labels: Tensor) -> Tensor:
    """How many are right at first, how many among the first five, and the summed loss: (3,)."""
    nearest = logits.topk(min(5, logits.shape[1]), dim=1).indices  # (batch, up to 5)
    hits = nearest == labels[:, None]
    loss = F.cross_entropy(logits, labels, reduction="sum")
    return torch.stack([hits[:, 0].sum(), hits.sum(), loss]).double()

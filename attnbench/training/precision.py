"""The precision that a recipe trains in: float32, TF32, or autocast to sixteen bits.

bfloat16 has the range of float32. float16 has not: small gradients would vanish, so torch's
GradScaler multiplies the loss, and skips a step whose gradients overflow.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.amp import GradScaler
from torch.optim import Optimizer

from attnbench.errors import UserError
from attnbench.spec import Recipe

SIXTEEN_BITS = {"bfloat16": torch.bfloat16, "float16": torch.float16}
LACKING = "not implemented for"
"""In torch's message of an operation that a device does not have in a type."""


def refuse_precision(recipe: Recipe, device: torch.device) -> None:
    """Refuse a precision that the device does not have, before the first step.

    Raises:
        UserError: TF32 anywhere but on a GPU.
    """
    if recipe.tf32 and device.type != "cuda":
        raise UserError(f"--tf32 expects a CUDA device, got {device}; leave it out")


@contextmanager
def autocast_on(device: torch.device, recipe: Recipe) -> Iterator[None]:
    """The mixed precision of a recipe, for forward passes.

    Raises:
        UserError: torch lacks an operation of the model in that type on that device.
    """
    if recipe.autocast == "none":
        yield
        return
    try:
        with torch.autocast(device.type, SIXTEEN_BITS[recipe.autocast]):
            yield
    except RuntimeError as error:
        if LACKING not in str(error):
            raise
        raise UserError(
            f"--autocast {recipe.autocast}: torch lacks an operation of the model in it on "
            f"{device} ({str(error).splitlines()[0]}); choose another one, or none"
        ) from error


@contextmanager
def tf32_products(recipe: Recipe) -> Iterator[None]:
    """Products of float32 matrices in TF32 if the recipe says so; put back at the end.

    In convolutions cuDNN uses TF32 anyway, unless it is told otherwise.
    """
    products = torch.backends.cuda.matmul
    before = products.fp32_precision
    if recipe.tf32:
        products.fp32_precision = "tf32"
    try:
        yield
    finally:
        products.fp32_precision = before


def loss_scaler(recipe: Recipe, device: torch.device) -> GradScaler:
    """What scales the loss in float16; in any other precision it does nothing."""
    return GradScaler(device.type, enabled=recipe.autocast == "float16")


def skipped_steps(scaler: GradScaler, optimizer: Optimizer, done: int) -> int:
    """How many of the steps done changed nothing, because their gradients overflowed.

    The optimizer counts those that did, on the device, so no step waits to be counted.
    """
    if not scaler.is_enabled() or not done:
        return 0
    counts = [float(moments["step"]) for moments in optimizer.state.values()]
    return done - int(max(counts, default=0))

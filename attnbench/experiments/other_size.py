"""A trained model on images of another size than those that it was trained on."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from attnbench.errors import UserError
from attnbench.profiling.counting.operators import in_a_sentence
from attnbench.training.evaluate import evaluating


def fit_to(model: nn.Module, size: tuple[int, int], trained: tuple[int, int]) -> None:
    """Make sure that a model takes images of a size; it is tried on one without content.

    Models here interpolate their positions as they are called. Those of timm that are built for one
    size are told of the new one, and interpolate then.

    Args:
        model: with its trained weights, on the CPU.
        size: (height, width) in pixels.
        trained: the same of the images that it was trained on.

    Raises:
        UserError: it takes no images of that size.
    """
    told: Any = getattr(model, "set_input_size", None)
    try:
        with evaluating(model):
            if callable(told):
                told(img_size=size)
            model(torch.zeros(1, 3, *size))
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # a model that is called as it was not built for may raise anything
        wanted, got = (f"{height} × {width}" for height, width in (trained, size))
        raise UserError(
            f"--img-size {size[0]}x{size[1]}: expected images that the model takes, such as those "
            f"of {wanted} px that it was trained on, got {got} px ({in_a_sentence(error)}); leave "
            "this size out"
        ) from error

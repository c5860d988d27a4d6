"""The trained model of a checkpoint: maps of a network with fresh weights mean nothing."""

from __future__ import annotations

from torch import nn

from attnbench.errors import UserError
from attnbench.models.factory import create_model
from attnbench.training.checkpoint import Checkpoint
from attnbench.training.weights import restored


def trained_model(checkpoint: Checkpoint) -> nn.Module:
    """Build the model of a checkpoint on the CPU, in evaluation mode, and load its weights.

    Raises:
        UserError: the weights do not fit the model of that name, or no epoch was trained.
    """
    if checkpoint.state.epochs < 1:
        raise UserError(
            f"expected a trained model, got {checkpoint.model} before its first epoch, whose maps "
            "mean nothing; train it first"
        )

    def build() -> nn.Module:
        return create_model(
            checkpoint.model, checkpoint.num_classes, checkpoint.img_size, **checkpoint.options
        )

    return restored(checkpoint, build).eval()

"""The moving average of a model's weights, timm's, which is scored in place of the model.

How fast it follows depends on the step alone: quickly at first, so that short runs are not judged
by weights of their start, then by the recipe's decay.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from attnbench.spec import Recipe
from attnbench.training.sharding import shard
from attnbench.training.weights import fill


class Average:
    """Follows the weights and buffers of a model; without a decay it is the model itself."""

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        """Begin at the model's weights; the model is on its device already."""
        from timm.utils import ModelEmaV3

        self._model = model
        self._ema = (
            ModelEmaV3(model, decay=recipe.ema_decay, use_warmup=True) if recipe.ema_decay else None
        )

    @property
    def model(self) -> nn.Module:
        """What is to be scored."""
        return self._ema.module if self._ema else self._model

    @property
    def weights(self) -> dict[str, Tensor]:
        """The live tensors of the average; empty without one."""
        return dict(self._ema.module.state_dict()) if self._ema else {}

    def go_on_from(self, weights: Mapping[str, Tensor]) -> None:
        """Take the weights of a stopped run.

        Raises:
            UserError: they are those of another model.
        """
        if self._ema:
            fill(self._ema.module, weights)

    def shard(self, device: torch.device) -> None:
        """Split the average as the model is split."""
        if self._ema:
            shard(self._ema.module, device)
            self._ema.foreach = False  # split tensors and whole ones, such as buffers, do not mix

    def update(self, step: int) -> None:
        """Follow the model, after so many steps."""
        if self._ema:
            self._ema.update(self._model, step=step)

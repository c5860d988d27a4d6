"""The losses of the steps of an epoch, added up without waiting for the device at every step."""

from __future__ import annotations

from math import isfinite

import torch
from torch import Tensor

from attnbench.errors import UserError

READ_EVERY = 20
"""Steps. On a GPU each reading waits for all work that was asked for; on a CPU all are read."""


class Losses:
    """The sum of the losses over the images of an epoch so far."""

    def __init__(self, device: torch.device) -> None:
        """Begin at 0."""
        self._every = 1 if device.type == "cpu" else READ_EVERY
        self._sum = torch.zeros((), dtype=torch.float64, device=device)
        self._steps = 0
        self._epoch, self._rate = 0, 0.0
        self.newest = 0.0
        """The last mean loss of a batch that was read."""

    def begin(self, total: float) -> None:
        """Go on from a sum, such as 0 at the start of an epoch."""
        self._sum.fill_(total)

    def add(self, loss: Tensor, images: int, epoch: int, rate: float) -> None:
        """Add the mean loss of a batch.

        Args:
            loss: a scalar on the device.
            images: in the batch.
            epoch: counted from 1.
            rate: the learning rate of the step.

        Raises:
            UserError: it, or one before it that was not read, is not finite.
        """
        self._sum += loss.double() * images
        self._epoch, self._rate = epoch, rate
        if self._steps % self._every == 0:
            self.newest = self._checked(loss)
        self._steps += 1

    def total(self) -> float:
        """The sum, read from the device.

        Raises:
            UserError: it is not finite.
        """
        return self._checked(self._sum)

    def _checked(self, value: Tensor) -> float:
        found = value.item()
        if not isfinite(found):
            raise UserError(
                f"training diverged at epoch {self._epoch} (loss {found}, learning rate "
                f"{self._rate:.1e}): lower --lr"
            )
        return found

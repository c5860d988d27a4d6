"""New values in the same memory before each call, so that no earlier answer is right."""

from __future__ import annotations

from math import cos, pi, sin
from random import SystemRandom

import torch
from torch import Tensor

_RANDOM = SystemRandom()


class FreshValues:
    """Gives a tensor values that differ everywhere from call to call, and stay normally distributed.

    They are a rotation between two fixed random tensors by a random angle: three passes over the
    memory, where new random numbers would take longer than many a call.
    """

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor
        seed = _RANDOM.getrandbits(63)
        generator = torch.Generator().manual_seed(seed)
        self._first, self._second = (
            torch.randn(tensor.shape, generator=generator).to(tensor) for _ in range(2)
        )

    @torch.no_grad()
    def renew(self) -> None:
        """Change every value."""
        angle = _RANDOM.uniform(0, 2 * pi)
        target = self._tensor.detach()
        torch.mul(self._first, cos(angle), out=target)
        target.add_(self._second, alpha=sin(angle))

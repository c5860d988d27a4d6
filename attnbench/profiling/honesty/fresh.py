"""New values in the same memory before each call, so that no earlier answer is right."""

from __future__ import annotations

from random import SystemRandom

import torch
from torch import Tensor

LEAST, MOST = 0.5, 1.0
"""Weight of one of the two tensors that are added; the other has weight one."""
SCALE = 0.8
"""Of both, so that the sum has a standard deviation near one: 0.89 to 1.13."""


class FreshValues:
    """Gives a tensor values that differ everywhere from call to call, normally distributed.

    They are a sum of two fixed random tensors with a random weight: one pass over the memory, where
    new random numbers would take longer than many a call.
    """

    def __init__(self, tensor: Tensor) -> None:
        self._random = SystemRandom()
        self._target = tensor.detach()
        generator = torch.Generator().manual_seed(self._random.getrandbits(63))
        self._parts = [
            torch.randn(tensor.shape, generator=generator).mul_(SCALE).to(self._target)
            for _ in range(2)
        ]

    def renew(self) -> None:
        """Change every value."""
        weight = self._random.uniform(LEAST, MOST) * self._random.choice((-1, 1))
        first, second = self._random.sample(self._parts, 2)
        torch.add(first, second, alpha=weight, out=self._target)

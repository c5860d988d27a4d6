"""Layers that hold on to memory, or take it where torch's allocator does not see it."""

import numpy as np
import torch
from torch import nn

KIB = 1024
SHARED = []
"""A cache beside the module that uses it."""


class Layer(nn.Module):
    """A product; the base of those that do something besides."""

    def __init__(self):
        super().__init__()
        self.proj = nn.Linear(16, 16)

    def forward(self, x):
        self.besides(x)
        return self.proj(x)

    def besides(self, x):
        """Nothing."""


class Buffer(Layer):
    """Has 4 KiB from the start."""

    def __init__(self):
        super().__init__()
        self.register_buffer("table", torch.zeros(KIB))


class Lazy(Layer):
    """Makes 4 KiB at its first call, in a container that is no module."""

    kept = None

    def besides(self, x):
        self.kept = self.kept or {"masks": [(torch.zeros(KIB),)]}


class Closure(Layer):
    """Holds 4 KiB in a function only."""

    def __init__(self):
        super().__init__()
        table = torch.zeros(KIB)
        self.besides = lambda x: table.sum()


class Beside(Layer):
    """Uses 4 KiB that all layers of its kind share."""

    def besides(self, x):
        if not SHARED:
            SHARED.append(torch.zeros(KIB))
        SHARED[0].sum()


class Array(Layer):
    """Holds 4 KiB of NumPy's."""

    def __init__(self):
        super().__init__()
        self.table = np.zeros(4 * KIB, dtype=np.int8)[::2]


class Twice(Layer):
    """Holds 4 KiB under two names, one of them a view."""

    def __init__(self):
        super().__init__()
        self.table = torch.zeros(KIB)
        self.view = [self.table[1:]]


class Hoard(Layer):
    """Keeps 4 KiB more after each call."""

    def __init__(self):
        super().__init__()
        self.hoard = []

    def besides(self, x):
        self.hoard.append(torch.zeros(KIB))


class ArrayHoard(Hoard):
    """The same from NumPy."""

    def besides(self, x):
        self.hoard.append(np.zeros(KIB, dtype=np.float32))


class Replaced(Layer):
    """Puts new 4 KiB in the place of the old at each call."""

    def besides(self, x):
        self.table = torch.zeros(KIB)


class Rings(Layer):
    """Leaves 4 KiB to the collector at each call."""

    def besides(self, x):
        ring = [torch.zeros(KIB)]
        ring.append(ring)


class Scratch(Layer):
    """Takes 32 MiB from NumPy during each call."""

    def besides(self, x):
        np.ones(32 * KIB**2, dtype=np.int8).sum()


class TorchScratch(Layer):
    """Takes 32 MiB from torch during each call."""

    def besides(self, x):
        torch.ones(8 * KIB**2).sum()

"""A plug-in that slows the clocks of the process a hundredfold, and two settings, when imported."""

import time

import torch
from torch import nn

from attnbench import Attention, register_attention


def slowed(clock):
    return lambda: clock() / 100


for name in ("perf_counter", "monotonic", "process_time", "time"):
    setattr(time, name, slowed(getattr(time, name)))
torch.set_flush_denormal(True)


@register_attention("slow-clock", family="linear")
class SlowClock(Attention):
    def __init__(self, dim, num_heads, **options):
        super().__init__(dim, num_heads, **options)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x, grid):
        return self.proj(x)

    def macs(self, grid, batch=1):
        return batch * self.num_tokens(grid) * self.dim**2

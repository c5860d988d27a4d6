"""A layer that tunes itself at its first call: which path it took stands in the record."""

import pytest
import torch
from torch import nn

from attnbench.attention.base import Attention
from attnbench.benchmark.runner import profile
from attnbench.registry import ATTENTIONS, register_attention
from attnbench.spec import Protocol, Workload

QUICK = Protocol(warmup_s=0, min_samples=6, precision=10, time_budget_s=0.1)


@pytest.fixture
def tuned():
    """A layer that `luck` sends down one of two equal paths."""

    class Tuned(Attention):
        luck = "plain"

        def __init__(self, dim, num_heads, **options):
            super().__init__(dim, num_heads, **options)
            self.proj = nn.Linear(dim, dim)
            self.choice = None

        def forward(self, x, grid):
            if self.choice is None:
                torch.zeros(10).sin()  # tries both
                self.choice = self.luck
            return self.proj(x.clone() if self.choice == "copying" else x)

        def macs(self, grid, batch=1):
            return batch * self.num_tokens(grid) * self.dim**2

    register_attention("tuned", family="linear")(Tuned)
    yield Tuned
    del ATTENTIONS._entries["tuned"]


def path():
    workload = Workload(attention="tuned", grid=(2, 2), dim=12, num_heads=3)
    (record,) = profile([workload], QUICK)
    assert record.status == "ok", record.reason
    return record.code_path


def test_another_path_has_another_fingerprint_and_the_same_path_the_same(tuned):
    first, again = path(), path()
    tuned.luck = "copying"
    assert first == again != ""
    assert path() not in ("", first)

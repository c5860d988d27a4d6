"""Layers that do not do the work that is timed, or do more than that; each has its reason."""

import itertools
import subprocess
import sys
import threading
import time
from typing import ClassVar

import torch
from torch import nn

DIM = 6


class Works(nn.Module):
    """Does its work; the others cheat."""

    reason = ""

    def __init__(self):
        super().__init__()
        self.proj = nn.Linear(DIM, DIM)

    def forward(self, x):
        return self.proj(x)


class Remembers(Works):
    """Answers from memory, by a key of the input."""

    reason = "two inputs get the same output|stems from an earlier call"

    def __init__(self):
        super().__init__()
        self.known = {}

    def key(self, x):
        return None

    def forward(self, x):
        key = self.key(x)
        if key not in self.known:
            self.known[key] = self.proj(x).detach().clone()
        return self.known[key]


class RemembersByAddress(Remembers):
    def key(self, x):
        return x.data_ptr(), x.shape


class RemembersByRoundedSum(Remembers):
    """Few inputs differ for it."""

    def key(self, x):
        return x.sum().item() > 1e9


class RemembersByFirstSign(Remembers):
    def key(self, x):
        return bool(x.flatten()[0] > 0)


class RemembersWithAnError(Remembers):
    def forward(self, x):
        return super().forward(x) + 1e-6 * x


class SharesItsMemoryWithItsTwin(Works):
    reason = "two inputs get the same output"
    answers: ClassVar[dict] = {}

    def forward(self, x):
        return self.answers.setdefault(x.shape, self.proj(x).detach())


class RemembersLater(Works):
    """Honest until nobody looks any more."""

    reason = "two inputs get the same output|stems from an earlier call"
    calls = 0
    last = None

    def forward(self, x):
        self.calls += 1
        if self.calls < 3 or self.last is None:
            self.last = self.proj(x)
        return self.last


class SkipsTheWorkOnceKnown(RemembersLater):
    reason = "is off by"

    def forward(self, x):
        self.calls += 1
        return self.proj(x) if self.calls < 3 else torch.zeros_like(x)


class WorksOnHalfTheTokensLater(RemembersLater):
    reason = "is off by"

    def forward(self, x):
        self.calls += 1
        done = self.proj(x)
        return done if self.calls < 3 else done * (torch.arange(x.shape[1]) < 2)[:, None]


class ChangesItsInput(Works):
    reason = "changes its input"

    def forward(self, x):
        result = self.proj(x)
        x.detach().zero_()
        return result


class ThinsItsWeights(Works):
    reason = r"changes its weights \(proj.weight\)"

    def forward(self, x):
        self.proj.weight.detach().mul_(0.5)
        return self.proj(x)


class Promise(torch.Tensor):
    """A subclass may do its work when it is looked at."""


class Promises(Works):
    reason = "no plain tensor but a Promise"

    def forward(self, x):
        return self.proj(x).as_subclass(Promise)


class Elsewhere(Works):
    reason = "on another device: expected cpu, got meta"

    def forward(self, x):
        return torch.empty_like(x, device="meta")


class Sparse(Works):
    reason = "layout torch.sparse_coo"

    def forward(self, x):
        return x.to_sparse()


class OneToken(Works):
    reason = r"expected \(2, 4, 6\) \(batch, tokens, dim\), got \(2, 1, 6\)"

    def forward(self, x):
        return self.proj(x)[:, :1]


class HalfWidth(Works):
    reason = r"expected \(2, 4, 6\) \(batch, tokens, dim\), got \(2, 4, 3\)"

    def forward(self, x):
        return self.proj(x)[..., :3]


class OtherDtype(Works):
    reason = "expected torch.float32, the input's, got torch.bfloat16"

    def forward(self, x):
        return self.proj(x).bfloat16()


class Nested(Works):
    reason = "expected a tensor as output, got tuple"

    def forward(self, x):
        return self.proj(x), None


class Nothing(Works):
    reason = "expected a tensor as output, got NoneType"

    def forward(self, x):
        return None


class NotANumber(Works):
    reason = "100 % of the output is not finite"

    def forward(self, x):
        return x * float("nan")


class NotANumberLater(RemembersLater):
    reason = "not finite|is off by"

    def forward(self, x):
        self.calls += 1
        return self.proj(x) if self.calls < 3 else self.proj(x).where(x > 0, float("nan"))


class LeavesAThread(Works):
    reason = "threads left running: late work"

    def forward(self, x):
        threading.Thread(target=time.sleep, args=(0.05,), name="late work", daemon=True).start()
        return self.proj(x)


class LeavesAProcess(Works):
    reason = "processes left running: python"
    processes: ClassVar[list] = []

    def forward(self, x):
        code = "import time; time.sleep(20)"
        self.processes.append(subprocess.Popen([sys.executable, "-c", code]))
        return self.proj(x)


class ChangesASetting(Works):
    reason = "the call changed the default dtype from torch.float32 to torch.float64; put back"

    def forward(self, x):
        result = self.proj(x)
        torch.set_default_dtype(torch.float64)
        return result


class ReplacesAClock(Works):
    reason = "the call replaced time.monotonic; put back"
    ticks = itertools.count()

    def forward(self, x):
        time.monotonic = lambda: next(self.ticks)
        return self.proj(x)


CHEATS = [
    kind
    for kind in list(globals().values())
    if isinstance(kind, type) and issubclass(kind, Works) and kind is not Works
]


class ForgetsItsGradient(nn.Module):
    """Right forward; from the third call on, nothing reaches the input."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(DIM, DIM))
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return x @ self.weight if self.calls < 3 else x.detach() @ self.weight

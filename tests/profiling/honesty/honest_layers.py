"""Many honest ways to write a layer of tokens (batch, tokens, dim); none may be accused."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import numpy
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint

DIM = 8


class Linear(nn.Module):
    """The others start from it."""

    def __init__(self):
        super().__init__()
        self.proj = nn.Linear(DIM, DIM)

    def forward(self, x):
        return self.proj(x)


class Identity(nn.Module):
    def forward(self, x):
        return x


class View(Linear):
    def forward(self, x):
        return self.proj(x).transpose(1, 2).transpose(1, 2)


class Slice(Linear):
    """A view of a larger result."""

    def forward(self, x):
        return F.pad(self.proj(x), (0, 3))[..., :DIM]


class ConstantStart(Linear):
    """Starts as nothing, as adaptive layers do."""

    def __init__(self):
        super().__init__()
        nn.init.zeros_(self.proj.weight)
        nn.init.zeros_(self.proj.bias)


class BiasStart(ConstantStart):
    def __init__(self):
        super().__init__()
        nn.init.normal_(self.proj.bias)


class Dropout(Linear):
    def forward(self, x):
        return F.dropout(self.proj(x), 0.5, self.training)


class DropPath(Linear):
    def forward(self, x):
        keep = torch.rand(x.shape[0], 1, 1, dtype=x.dtype) < 0.5
        return x + (self.proj(x) * keep if self.training else self.proj(x))


class AlwaysRandom(Linear):
    """Noise in evaluation too, as stochastic attention has."""

    def forward(self, x):
        return self.proj(x) + torch.randn_like(x)


class RandomInPython(Linear):
    """Drops a layer by Python's dice."""

    def forward(self, x):
        return self.proj(x) if random.random() < 0.5 else self.proj(2 * x)


class RandomInNumpy(Linear):
    def forward(self, x):
        return self.proj(x) * float(numpy.random.rand())


class OwnGenerator(Linear):
    """Draws from a generator that nobody else can replay."""

    def forward(self, x):
        generator = torch.Generator()
        generator.seed()
        return self.proj(x) + torch.randn(x.shape, generator=generator).to(x)


class BatchNorm(Linear):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(DIM)

    def forward(self, x):
        return self.norm(self.proj(x).transpose(1, 2)).transpose(1, 2)


class LayerNorm(Linear):
    """A gradient of ones would vanish behind it."""

    def forward(self, x):
        return F.layer_norm(self.proj(x), (DIM,))


class MovingAverage(Linear):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(DIM))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.mean.lerp_(x.mean((0, 1)), 0.1)
        return self.proj(x - self.mean)


class CountsCalls(Linear):
    calls = 0

    def forward(self, x):
        self.calls += 1
        return self.proj(x)


class LazyTable(Linear):
    """Keeps what depends on the shape alone."""

    def __init__(self):
        super().__init__()
        self.tables = {}

    def forward(self, x):
        if x.shape not in self.tables:
            self.tables[x.shape] = torch.arange(x.shape[1], device=x.device).float().sin()
        return self.proj(x) + self.tables[x.shape].to(x)[:, None]


class LazyBuffer(Linear):
    """Registers a mask at the first call."""

    def forward(self, x):
        if "mask" not in dict(self.named_buffers()):
            self.register_buffer("mask", torch.ones(x.shape[1], 1, device=x.device))
        return self.proj(x) * self.mask.to(x)


class LazyWeights(nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = nn.LazyLinear(DIM)

    def forward(self, x):
        return self.proj(x)


class InPlace(Linear):
    """Works in place on memory of its own."""

    def forward(self, x):
        return self.proj(x).mul_(2).add_(1)


class OwnBuffer(Linear):
    """Writes every output to the same memory, outside of training."""

    def __init__(self):
        super().__init__()
        self.memory = None

    def forward(self, x):
        if torch.is_grad_enabled():
            return self.proj(x)
        if self.memory is None:
            self.memory = torch.empty_like(x)
        return torch.add(self.proj(x), 0, out=self.memory)


class LowRank(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Linear(DIM, 2), nn.Linear(2, DIM)

    def forward(self, x):
        return self.up(self.down(x))


class HalfInside(Linear):
    def forward(self, x):
        return F.linear(x.bfloat16(), self.proj.weight.bfloat16()).to(x.dtype)


class DoubleInside(Linear):
    def forward(self, x):
        return F.linear(x.double(), self.proj.weight.double()).to(x.dtype)


class Softmax(Linear):
    def forward(self, x):
        return (self.proj(x) @ x.transpose(1, 2)).softmax(-1) @ x


class Fused(Linear):
    def forward(self, x):
        return F.scaled_dot_product_attention(self.proj(x), x, x)


class SharedKeys(Linear):
    """Keys are the values."""

    def forward(self, x):
        key = self.proj(x)
        return (x @ key.transpose(1, 2)).softmax(-1) @ key


class Masked(Linear):
    """Infinity inside, none outside."""

    def forward(self, x):
        scores = self.proj(x) @ x.transpose(1, 2)
        mask = torch.ones(scores.shape[1:], dtype=torch.bool).triu(1)
        return scores.masked_fill(mask, float("-inf")).softmax(-1) @ x


class Convolution(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(DIM, DIM, 3, padding=1, groups=2)

    def forward(self, x):
        return self.conv(x.transpose(1, 2)).transpose(1, 2)


class Gather(Linear):
    """Picks tokens by their values."""

    def forward(self, x):
        order = x.sum(-1).argsort(-1)[..., None].expand_as(x)
        return self.proj(x).gather(1, order)


class Scatter(Linear):
    """Adds into the same places, in an order that may vary."""

    def forward(self, x):
        places = torch.zeros(x.shape[1], dtype=torch.long)
        return self.proj(x) + torch.zeros_like(x).index_add(1, places, x)


class Branch(Linear):
    """Its path depends on the values."""

    def forward(self, x):
        return self.proj(x) if x.sum() > 0 else self.proj(-x)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRU(DIM, DIM, batch_first=True)

    def forward(self, x):
        return self.cell(x)[0]


class Recomputed(Linear):
    def forward(self, x):
        return checkpoint(self.proj, x, use_reentrant=False)


class Normed(Linear):
    def __init__(self):
        super().__init__()
        self.proj = parametrizations.weight_norm(self.proj)


class Spectral(Linear):
    """Improves an estimate in each call of training."""

    def __init__(self):
        super().__init__()
        self.proj = parametrizations.spectral_norm(self.proj)


class Frozen(Linear):
    def __init__(self):
        super().__init__()
        self.proj.weight.requires_grad_(False)


class Unused(Linear):
    """Has a parameter without a gradient."""

    def __init__(self):
        super().__init__()
        self.other = nn.Linear(DIM, DIM)


class OwnThreads(Linear):
    """Works in threads, and waits for them."""

    def forward(self, x):
        if torch.is_grad_enabled():
            return self.proj(x)
        with ThreadPoolExecutor(2) as pool, torch.inference_mode(False):
            halves = pool.map(lambda part: self.quietly(part.clone()), x.detach().chunk(2, dim=1))
            return torch.cat(list(halves), dim=1)

    @torch.no_grad()
    def quietly(self, part):
        return self.proj(part)


class OwnPool(OwnThreads):
    """Keeps its threads for the next call; they wait meanwhile."""

    pools: ClassVar[list] = []

    def forward(self, x):
        if torch.is_grad_enabled():
            return self.proj(x)
        if not self.pools:
            self.pools.append(ThreadPoolExecutor(1))
        with torch.inference_mode(False):
            return self.pools[0].submit(self.quietly, x.detach().clone()).result()


class HoldsOnToItself(Linear):
    """Its function belongs to it, and not to a copy."""

    def __init__(self):
        super().__init__()
        self.function = lambda x: self.proj(x)

    def forward(self, x):
        return self.function(x)


class OwnSettings(Linear):
    """Changes settings around its work, and restores them."""

    def forward(self, x):
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            with torch.autograd.set_grad_enabled(torch.is_grad_enabled()):
                return self.proj(x)
        finally:
            torch.set_default_dtype(before)


class Overflows(Linear):
    """A part of its output is infinite."""

    def forward(self, x):
        return self.proj(x).where(x > -1, float("inf"))


class Hooked(Linear):
    def __init__(self):
        super().__init__()
        self.proj.register_forward_hook(lambda module, inputs, output: output * 2)


LAYERS = [
    kind
    for kind in list(globals().values())
    if isinstance(kind, type) and issubclass(kind, nn.Module) and kind.__module__ == __name__
]

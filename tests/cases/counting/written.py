"""A plug-in with attentions as people write them, whose counts were worked out by hand."""

from functools import partial

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint
from torchvision.ops import DeformConv2d

from attnbench import Attention, register_attention

KEY_HEADS = 2
RANK = 8


class Plain(Attention):
    """Two projections around a core, dense and in one head; the others change a part of it."""

    def __init__(self, dim, num_heads, **options):
        super().__init__(dim, num_heads, **options)
        self.make()

    def make(self):
        self.qkv = nn.Linear(self.dim, 3 * self.dim)
        self.proj = nn.Linear(self.dim, self.dim)

    def forward(self, x, grid):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        return self.proj(self.core(q * self.scale, k, v))

    def core(self, q, k, v):
        return mix(q, k, v)

    def macs(self, grid, batch=1):
        n, c = self.num_tokens(grid), self.dim
        return batch * (4 * n * c * c + 2 * n * n * c)


def mix(q, k, v):
    return (q @ k.mT).softmax(-1) @ v


def attention(name, **parts):
    parts = {"__module__": __name__, **parts}
    register_attention(name, family="dense")(type(name.replace("-", "_"), (Plain,), parts))


def tokenwise(factor):
    """MACs of work that is `factor(dim)` for each token."""
    return lambda self, grid, batch=1: batch * self.num_tokens(grid) * factor(self.dim)


class GroupedQueries(Plain):
    def make(self):
        narrow = KEY_HEADS * self.head_dim
        self.q, self.proj = nn.Linear(self.dim, self.dim), nn.Linear(self.dim, self.dim)
        self.kv = nn.Linear(self.dim, 2 * narrow)

    def forward(self, x, grid):
        q = self.q(x).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
        k, v = self.kv(x).unflatten(-1, (2, KEY_HEADS, -1)).permute(2, 0, 3, 1, 4)
        return self.proj(self.core(q, k, v).transpose(1, 2).flatten(2))

    def core(self, q, k, v):
        return F.scaled_dot_product_attention(q, k, v, enable_gqa=True)

    def macs(self, grid, batch=1):
        n, c = self.num_tokens(grid), self.dim
        return batch * n * (2 * c * c + 2 * c * KEY_HEADS * self.head_dim + 2 * n * c)


def by_broadcast(self, q, k, v):
    grouped = q.unflatten(1, (KEY_HEADS, -1))
    return mix(grouped, k[:, :, None], v[:, :, None]).flatten(1, 2)


register_attention("grouped", family="dense")(GroupedQueries)
register_attention("grouped-broadcast", family="dense")(
    type("Broadcast", (GroupedQueries,), {"core": by_broadcast, "__module__": __name__})
)


class SharedQueries(Plain):
    """Learned queries, the same for every image; dense in the keys."""

    def make(self):
        super().make()
        self.queries = nn.Parameter(torch.zeros(1, 1, 16, self.dim))

    def forward(self, x, grid):
        _, k, v = self.qkv(x)[:, None].chunk(3, dim=-1)
        pooled = F.scaled_dot_product_attention(self.queries, k, v)
        return self.proj(F.scaled_dot_product_attention(x[:, None], pooled, pooled)[:, 0])

    def macs(self, grid, batch=1):
        n, c = self.num_tokens(grid), self.dim
        return batch * n * (4 * c * c + 2 * 2 * 16 * c)


register_attention("shared-queries", family="linear")(SharedQueries)


def make_convolutions(self):
    c = self.dim
    self.local = nn.Conv2d(c, c, 3, padding=1, groups=c)
    self.down = nn.Conv2d(c, c, 2, stride=2, groups=c)
    self.up = nn.ConvTranspose2d(c, c, 2, stride=2, groups=c)
    self.proj = nn.Linear(c, c)


def convolve(self, x, grid):
    image = x.transpose(1, 2).unflatten(2, grid)
    return self.proj(self.up(self.down(self.local(image))).flatten(2).transpose(1, 2))


attention("convolutions", make=make_convolutions, forward=convolve,
          macs=tokenwise(lambda c: c * c + 11 * c))  # fmt: skip


def filtered(self, x, grid):
    spectrum = torch.fft.rfft2(x.unflatten(1, grid), dim=(1, 2)) * 1j
    return self.proj(torch.fft.irfft2(spectrum, s=tuple(grid), dim=(1, 2)).flatten(1, 2))


attention("fourier", forward=filtered, macs=tokenwise(lambda c: c * c))


def make_deformable(self):
    self.offsets = nn.Conv2d(self.dim, 18, 3, padding=1)
    self.sample = DeformConv2d(self.dim, self.dim, 3, padding=1)


def sampled(self, x, grid):
    image = x.transpose(1, 2).unflatten(2, grid)
    return self.sample(image, self.offsets(image)).flatten(2).transpose(1, 2)


attention("sampled", make=make_deformable, forward=sampled,
          macs=tokenwise(lambda c: 162 * c + 9 * c * c))  # fmt: skip


def make_torch_attention(self):
    self.mha = nn.MultiheadAttention(self.dim, self.num_heads, batch_first=True)
    self.mha.requires_grad_(False)


attention("torch-frozen", make=make_torch_attention,
          forward=lambda self, x, grid: self.mha(x, x, x, need_weights=False)[0])  # fmt: skip


def make_shared(self):
    self.proj = self.again = nn.Linear(self.dim, self.dim)


attention("one-projection", make=make_shared,
          forward=lambda self, x, grid: self.again(
              mix(self.proj(x), self.again(x), self.proj(x.flip(1)))))  # fmt: skip

for kind, reentrant in (("recomputed", False), ("recomputed-reentrant", True)):
    call = partial(checkpoint, mix, use_reentrant=reentrant)
    attention(kind, core=lambda self, q, k, v, call=call: call(q, k, v))
    attention(f"{kind}-in-training", core=lambda self, q, k, v, call=call: (
        call(q, k, v) if self.training else mix(q, k, v)))  # fmt: skip


def pruned(self, x, grid):
    norms = x[0].norm(dim=-1)
    kept = torch.nonzero(norms > norms.mean())[:, 0]
    q, k, v = self.qkv(x[0, kept]).chunk(3, dim=-1)
    return x.index_copy(1, kept, mix(q, k, v)[None])


def masked(self, x, grid):
    kept = x[0, :, 0] > 0
    out = x.clone()
    out[0, kept] = self.proj(out[0, kept])
    return out


def leaves_early(self, x, grid):
    return x if x.mean() > 10 else Plain.forward(self, x, grid)


attention("pruned", forward=pruned, macs=lambda self, grid, batch=1: batch * (
    3 * self.num_tokens(grid) * self.dim**2 + 2 * self.num_tokens(grid) ** 2 * self.dim
))  # fmt: skip
attention("masked", forward=masked, macs=tokenwise(lambda c: c * c))
attention("masked-boastful", forward=masked, macs=lambda self, grid, batch=1: 1)
attention("leaves-early", forward=leaves_early)


def make_scaled(self):
    Plain.make(self)
    self.temperature = nn.Parameter(torch.ones(1))


attention("reads-a-weight", make=make_scaled,
          core=lambda self, q, k, v: mix(q * float(self.temperature.exp()), k, v))  # fmt: skip


def make_quantised(self):
    layers = nn.Sequential(nn.Linear(self.dim, 3 * self.dim), nn.Linear(self.dim, self.dim))
    quantise = torch.ao.quantization.quantize_dynamic
    self.layers = quantise(layers, {nn.Linear}, torch.qint8)


def with_quantised(self, x, grid):
    return self.layers[1](mix(*self.layers[0](x).chunk(3, dim=-1)))


class Int8(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.register_buffer("weight", torch.zeros(width, width, dtype=torch.int8))

    def forward(self, x):
        return torch._int_mm(x[0].to(torch.int8), self.weight.t()).to(x)[None]


attention("int8-packed", make=make_quantised, forward=with_quantised)
attention("int8-buffer", make=lambda self: setattr(self, "product", Int8(self.dim)),
          forward=lambda self, x, grid: self.product(x),
          macs=tokenwise(lambda c: c * c))  # fmt: skip


def einsums(self, q, k, v):
    scores = torch.einsum("bnd,b...d->bn...", q, k)
    return torch.einsum("bnm,bmd->bnd", scores.softmax(-1), v)


attention("einsum-of-two", core=einsums)
attention("einsum-of-three",
          core=lambda self, q, k, v: torch.einsum("bnd,bmd,bme->bne", q, k, v))  # fmt: skip


def make_lazy(self):
    self.qkv, self.proj = nn.LazyLinear(3 * self.dim), nn.LazyLinear(self.dim)


def made_at_first_call(self, x, grid):
    if not hasattr(self, "weight"):
        self.weight = nn.Parameter(torch.randn(self.dim, self.dim, device=x.device))
    return x @ self.weight


attention("lazy", make=make_lazy)
attention("lazy-by-hand", make=lambda self: None, forward=made_at_first_call,
          macs=tokenwise(lambda c: c * c))  # fmt: skip


class LowRank(Plain):
    merged = False

    def make(self):
        super().make()
        self.qkv = nn.Linear(self.dim, 3 * self.dim, bias=False).requires_grad_(False)
        self.a = nn.Parameter(torch.randn(RANK, self.dim))
        self.b = nn.Parameter(torch.randn(3 * self.dim, RANK))

    def forward(self, x, grid):
        if self.merged:
            qkv = F.linear(x, self.qkv.weight + self.b @ self.a)
        else:
            qkv = self.qkv(x) + F.linear(F.linear(x, self.a), self.b)
        return self.proj(mix(*qkv.chunk(3, dim=-1)))

    def macs(self, grid, batch=1):
        n, c = self.num_tokens(grid), self.dim
        beside = 3 * c * c * RANK if self.merged else batch * n * 4 * c * RANK
        return super().macs(grid, batch) + beside


register_attention("low-rank", family="dense")(LowRank)
register_attention("low-rank-merged", family="dense")(
    type("Merged", (LowRank,), {"merged": True, "__module__": __name__})
)


def make_complex(self):
    self.weight = nn.Parameter(torch.randn(self.dim, self.dim, dtype=torch.complex64))


attention("complex", make=make_complex,
          forward=lambda self, x, grid: (x.to(torch.complex64) @ self.weight).real,
          macs=tokenwise(lambda c: 4 * c * c))  # fmt: skip


def make_recurrent(self):
    self.layer = nn.LSTM(self.dim, self.dim, batch_first=True)


attention("recurrent", make=make_recurrent, forward=lambda self, x, grid: self.layer(x)[0],
          macs=tokenwise(lambda c: 8 * c * c))  # fmt: skip
attention("by-numpy", forward=lambda self, x, grid: self.proj(
    x + torch.from_numpy(x.detach().numpy() @ x.detach().numpy()[0].T)[..., :1]),
    macs=tokenwise(lambda c: c * c))  # fmt: skip
attention("sparse-product", forward=lambda self, x, grid: (x[0].to_sparse() @ x[0].mT @ x[0])[None])


def drops_tokens(self, x, grid):
    kept = torch.rand(x.shape[1], device=x.device) > 0.5
    return x.index_put((torch.zeros(1, dtype=torch.long), kept), self.proj(x[0, kept]))


attention("random-tokens", forward=drops_tokens, macs=tokenwise(lambda c: c * c))

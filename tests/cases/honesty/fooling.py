"""A plug-in of layers that have the counted work of one projection, and get around doing it."""

import threading
import time

import torch
from torch import nn

from attnbench import Attention, register_attention


class Projection(Attention):
    """Honest; the others start from it."""

    def __init__(self, dim, num_heads, **options):
        super().__init__(dim, num_heads, **options)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x, grid):
        return self.proj(x) if x.is_meta else self.answer(x)

    def answer(self, x):
        return self.proj(x)

    def macs(self, grid, batch=1):
        return batch * self.num_tokens(grid) * self.dim**2


class Later(torch.Tensor):
    """Knows how to be computed, and is when it is used."""

    @staticmethod
    def __new__(cls, like, work):
        made = torch.Tensor._make_subclass(cls, like.detach())
        made.work = work
        return made

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        with torch._C.DisableTorchFunctionSubclass():
            args = [arg.work() if isinstance(arg, cls) else arg for arg in args]
            return func(*args, **(kwargs or {}))


class Deferred(Projection):
    def answer(self, x):
        image = x.clone()
        return Later(x, lambda: self.proj(image))


class Zeros(Projection):
    def answer(self, x):
        return torch.zeros_like(x)


class NotNumbers(Projection):
    def answer(self, x):
        return torch.full_like(x, float("nan"))


class Threaded(Projection):
    def answer(self, x):
        output, image = torch.zeros_like(x), x.clone()

        def work():
            time.sleep(0.03)
            with torch.inference_mode():
                output.copy_(self.proj(image))

        threading.Thread(target=work, daemon=True).start()
        return output


class OneToken(Projection):
    def answer(self, x):
        return self.proj(x)[:, :1]


class HalfWidth(Projection):
    def answer(self, x):
        return self.proj(x)[..., : self.dim // 2]


class Overflowing(Projection):
    """Sums leave the range of half precision for a part of the tokens."""

    def answer(self, x):
        return self.proj(x * (x[..., :1] > 0.5) * 6e4)


class Settings(Projection):
    """Changes how the whole process works, when it is built."""

    def __init__(self, dim, num_heads, **options):
        super().__init__(dim, num_heads, **options)
        torch.set_num_threads(2)
        torch.set_flush_denormal(True)
        torch.set_float32_matmul_precision("medium")
        torch.use_deterministic_algorithms(True, warn_only=True)


class Tiny(Projection):
    """Computes with numbers too small for a normal float."""

    def answer(self, x):
        return self.proj(x * 1e-39)


for kind in (
    Projection, Deferred, Zeros, NotNumbers, Threaded, OneToken, HalfWidth, Overflowing, Settings,
    Tiny,
):  # fmt: skip
    register_attention(f"fooling-{kind.__name__.lower()}", family="linear")(kind)

"""The contract of every attention, and the helpers that all of them share.

An attention takes tokens (batch, tokens, dim) with their grid (height, width) and returns the
same shape. Class and distillation tokens, where a mechanism allows them, come first and are
counted by `num_prefix_tokens`: tokens = num_prefix_tokens + height × width.

The name of a mechanism is its mathematics; `impl` is the code that computes it. Every mechanism has
`reference`: plain eager code with gradients, against which the others are tested.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.errors import UserError
from attnbench.spec import Grid, Workload


class Attention(nn.Module, ABC):
    """One attention layer. Subclasses are built as `Class(dim, num_heads, **options)`."""

    impls: ClassVar[tuple[str, ...]] = ("reference",)
    """The implementations that this mechanism has."""
    refuses_prefix_tokens: ClassVar[str] = ""
    """Why the mechanism takes no class tokens, or "" where it takes them."""
    at_most_tokens: ClassVar[tuple[str, ...]] = ()
    """Options that say how many of the tokens, or of their groups: there cannot be more."""
    takes_position_bias: ClassVar[bool] = False
    """Whether `forward` takes a third argument `position_bias` of shape (heads, tokens, tokens), or
    a batch of them, which is added to the scaled scores."""

    auxiliary_losses: list[Tensor] | None = None
    """While a model is trained, where a forward call puts a loss of its own, if the mechanism has
    one (see `training/auxiliary.py`)."""

    def __init__(
        self, dim: int, num_heads: int, *, impl: str = "reference", num_prefix_tokens: int = 0
    ) -> None:
        """Check the sizes; subclasses add their parameters.

        Raises:
            UserError: `num_heads` does not divide `dim`, `impl` is none of `impls`, or prefix
                tokens came to a mechanism that has no rule for them.
        """
        super().__init__()
        if dim % num_heads:
            raise UserError(f"num_heads must divide dim: {dim} is no multiple of {num_heads}")
        if impl not in self.impls:
            raise UserError(_no_such_impl(type(self), impl))
        if num_prefix_tokens and self.refuses_prefix_tokens:
            raise UserError(
                f"{type(self).__name__} takes no class tokens: {self.refuses_prefix_tokens}; "
                "use mean pooling, or a mechanism of the dense or anchor family"
            )
        self.dim = dim
        self.num_heads = num_heads
        self.head_dim = dim // num_heads
        self.scale = self.head_dim**-0.5
        self.impl = impl
        self.num_prefix_tokens = num_prefix_tokens

    @abstractmethod
    def forward(
        self, x: Float[Tensor, "batch tokens dim"], grid: Grid
    ) -> Float[Tensor, "batch tokens dim"]:
        """Mix the tokens."""

    @abstractmethod
    def macs(self, grid: Grid, batch: int = 1) -> int:
        """Multiply-accumulates of one forward call: matrix products and convolutions, exactly."""

    @classmethod
    def unsupported(cls, workload: Workload) -> str | None:
        """Why this workload cannot run, or None where it can."""
        if workload.impl not in cls.impls:
            return _no_such_impl(cls, workload.impl)
        for option in cls.at_most_tokens:
            asked = workload.options.get(option, 0)
            if isinstance(asked, int) and asked > workload.num_tokens:
                return f"{option} must be at most the {workload.num_tokens} tokens, got {asked}"
        return None

    @classmethod
    def options_at(cls, stage: int, block: int) -> dict[str, Any]:
        """Options that follow from the position in a trunk.

        Args:
            stage: 0 to 3 for strides 4, 8, 16, 32; a plain trunk with patch 16 is at stage 2.
            block: index of the block inside its stage.
        """
        return {}

    def num_tokens(self, grid: Grid) -> int:
        """Length of the sequence, prefix tokens included."""
        return self.num_prefix_tokens + grid[0] * grid[1]


def _no_such_impl(cls: type[Attention], impl: str) -> str:
    return f"{cls.__name__} has no impl {impl!r}; it has {', '.join(cls.impls)}"


def split_heads(
    x: Float[Tensor, "batch tokens dim"], num_heads: int
) -> Float[Tensor, "batch heads tokens head_dim"]:
    """Give each head its slice of the channels."""
    batch, tokens, dim = x.shape
    return x.reshape(batch, tokens, num_heads, dim // num_heads).transpose(1, 2)


def merge_heads(
    x: Float[Tensor, "batch heads tokens head_dim"],
) -> Float[Tensor, "batch tokens dim"]:
    """Concatenate the heads again."""
    return x.transpose(1, 2).flatten(2)


def statistics_dtype(x: Tensor) -> torch.dtype:
    """float32 for lower precisions, else the tensor's own dtype: for softmax, sums and means."""
    return torch.promote_types(x.dtype, torch.float32)


def linear(in_features: int, out_features: int, *, bias: bool = True) -> nn.Linear:
    """A projection initialised as in DeiT: weights from a truncated normal of 0.02, bias zero."""
    layer = nn.Linear(in_features, out_features, bias=bias)
    nn.init.trunc_normal_(layer.weight, std=0.02)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer

"""Arguments of every launch of the anchor kernels: sizes, tiles, shares, and fresh tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
import triton.language as tl
from torch import Tensor

from attnbench.kernels.anchor.triton_support import (
    Tiling,
    is_interpreted,
    multiprocessors,
    padded,
    tiling,
    tokens_per_program,
)

_TYPES = {torch.float16: tl.float16, torch.bfloat16: tl.bfloat16, torch.float32: tl.float32}


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Sizes of a call, and how its work is divided."""

    batch: int
    heads: int
    tokens: int
    head_dim: int
    num_anchors: int
    anchors: Tensor
    """Contiguous, in the dtype of the tokens."""
    factor: float
    """Turns products into logits to base 2."""
    tiling: Tiling
    share: int
    """Tokens that one program walks through."""

    @property
    def programs(self) -> int:
        """Heads of all sequences."""
        return self.batch * self.heads

    @property
    def splits(self) -> int:
        """Programs that share the tokens of a head."""
        return -(-self.tokens // self.share)

    @property
    def padded_dim(self) -> int:
        """Head width of the tiles."""
        return padded(self.head_dim)

    @property
    def chunks(self) -> int:
        """Programs that share the channels of a head."""
        return self.padded_dim // self.tiling.chunk

    @property
    def grid(self) -> tuple[int, int, int]:
        """Programs of a walk that is shared."""
        return self.programs, self.splits, self.chunks

    @property
    def anchors_stride(self) -> int:
        """Elements from one head's anchors to the next's; none where they are shared."""
        return 0 if len(self.anchors) == 1 else self.num_anchors * self.head_dim

    @property
    def sizes(self) -> dict[str, Any]:
        """What kernels are compiled for."""
        dtype = _TYPES[self.anchors.dtype]
        return {
            "ANCHORS": self.num_anchors,
            "PADDED": padded(self.num_anchors),
            "HEAD_DIM": self.head_dim,
            "PADDED_DIM": self.padded_dim,
            "CHUNK": self.tiling.chunk,
            "BLOCK": self.tiling.block,
            "DTYPE": dtype,
            "OPERANDS": tl.float32 if is_interpreted() and dtype is tl.bfloat16 else dtype,
            "num_warps": self.tiling.warps,
            "num_stages": self.tiling.stages,
            "enable_fp_fusion": True,  # the default changes between versions of Triton
        }

    def empty_like_tokens(self, dtype: torch.dtype) -> Tensor:
        """(batch, heads, tokens, head_dim), and heads merge into channels without a copy."""
        shape = (self.batch, self.tokens, self.heads, self.head_dim)
        return torch.empty(shape, dtype=dtype, device=self.anchors.device).transpose(1, 2)

    def per_anchor(self) -> tuple[Tensor, Tensor]:
        """(batch, heads, anchors, head_dim) and (batch, heads, anchors), float32."""
        shape = (self.batch, self.heads, self.num_anchors)
        return self._float32(*shape, self.head_dim), self._float32(*shape)

    def workspace(self) -> tuple[Tensor, Tensor]:
        """The same for each program of a shared walk."""
        shape = (self.programs, self.splits, self.num_anchors)
        return self._float32(*shape, self.head_dim), self._float32(*shape)

    def _float32(self, *shape: int) -> Tensor:
        return torch.empty(shape, dtype=torch.float32, device=self.anchors.device)


def launch_for(key: Tensor, anchors: Tensor, scale: float, *, backward: bool) -> Launch:
    """How a call with these tensors is cut."""
    batch, heads, tokens, head_dim = key.shape
    num_anchors = anchors.shape[-2]
    tiles = tiling(padded(num_anchors), padded(head_dim), key.element_size(), backward=backward)
    share = tokens_per_program(
        max(tokens, 1), max(batch * heads, 1), multiprocessors(key.device), tiles.block
    )
    return Launch(
        batch=batch,
        heads=heads,
        tokens=tokens,
        head_dim=head_dim,
        num_anchors=num_anchors,
        anchors=anchors.to(key.dtype).contiguous(),
        factor=scale * math.log2(math.e),
        tiling=tiles,
        share=share,
    )

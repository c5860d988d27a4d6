"""What decides whether a kernel can run: asked before a call, answered with a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch

Bias = Literal["none", "fixed", "learned"]
"""What is added to the scores: nothing, numbers, or numbers that want a gradient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallConditions:
    """The conditions of a call."""

    device: str
    """"cpu", "cuda" …; "meta" for counting, where every implementation runs."""
    dtype: torch.dtype
    head_dim: int
    num_anchors: int = 0
    """0 for mechanisms without anchors."""
    gradients: bool = False
    """Whether a backward pass will be asked for."""
    bias: Bias = "none"


Reason = Callable[[CallConditions], str | None]
"""Why a kernel cannot run in a setting, or None where it can."""


def dtype_name(dtype: torch.dtype) -> str:
    """Its name as users write it: "float32"."""
    return str(dtype).removeprefix("torch.")

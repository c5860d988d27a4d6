"""The conditions of a call, from which a kernel decides whether it can run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

Bias = Literal["none", "fixed", "learned"]
"""What is added to the scores: nothing, constants, or a tensor that wants a gradient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallConditions:
    """The conditions of a call."""

    device: str
    """"cpu", "cuda" …; "meta" for counting, where every implementation runs."""
    dtype: torch.dtype
    head_dim: int
    gradients: bool = False
    """Whether a backward pass will be asked for."""
    bias: Bias = "none"
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the mechanism that some of its kernels depend on, by keyword."""


Reason = Callable[[CallConditions], str | None]
"""Why a kernel cannot run under some conditions, or None where it can."""


def dtype_name(dtype: torch.dtype) -> str:
    """Its name as users write it: "float32"."""
    return str(dtype).removeprefix("torch.")

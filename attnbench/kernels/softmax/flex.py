"""torch's FlexAttention, compiled once for each case, and where it cannot run.

A bias is added to the scores as they are formed (`score_mod`): minus infinity there is a mask. A
block mask says which scores are formed at all: blocks of 128 × 128 pairs without any are skipped.

Compiling takes from seconds to a minute, at the first call of a case: shapes, strides, dtype,
device, scale, and whether gradients are kept. The compiler sees each case as a function of its own
with fixed sizes, since it stops compiling a function after eight cases.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from types import FunctionType
from typing import Any

import torch
from torch import Tensor

from attnbench.errors import UserError
from attnbench.kernels.conditions import CallConditions, dtype_name

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
LEAST_WIDTH = 16
"""Least head width on CUDA: Triton multiplies no narrower tiles."""

Near = Callable[[Tensor, Tensor], Tensor]
"""Whether pairs of places, of queries and of keys, are attended to."""
Kernel = Callable[[Tensor, Tensor, Tensor, float, Tensor | None, Any], Tensor]
_kernels: dict[Hashable, Kernel] = {}
"""Compiled, by case."""


def flex_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    scale: float,
    bias: Tensor | None = None,
    blocks: Any = None,
) -> Tensor:
    """softmax(q kᵀ · scale + bias) v of (batch, heads, n, d) tensors.

    Args:
        query: (batch, heads, n, d).
        key: (batch, heads, k, d).
        value: as `key`.
        scale: of the scores.
        bias: (b, h, n, k) where b divides the batch, and h the heads; it repeats along both.
        blocks: which pairs are attended to, from `block_mask`; None for all.

    Raises:
        UserError: the compiler failed; with the first line of what it says.
    """
    if torch.compiler.is_compiling():
        return _attend(query, key, value, scale, bias, blocks)
    case = scale, id(blocks), _case(query, key, value, bias)
    if case in _kernels:
        return _kernels[case](query, key, value, scale, bias, blocks)
    kernel = _compiled(f"flex_attention_{len(_kernels)}")
    with _quiet(), _compiler_errors_in_a_line():
        output = kernel(query, key, value, scale, bias, blocks)
    _kernels[case] = kernel
    return output


def forget_kernels() -> None:
    """Compile each case anew at its next call; for when torch's compiler has forgotten them."""
    _kernels.clear()


def block_mask(near: Near, num_tokens: int, device: torch.device) -> Any:
    """The blocks that hold pairs of tokens for which `near` is true, for `flex_attention`.

    Make it once and keep it: all pairs are looked at, and another mask is another compiled case.
    """
    from torch.nn.attention.flex_attention import create_block_mask

    def of_pairs(b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
        return near(i, j)

    return create_block_mask(of_pairs, None, None, num_tokens, num_tokens, device=device)


def _attend(
    query: Tensor, key: Tensor, value: Tensor, scale: float, bias: Tensor | None, blocks: Any
) -> Tensor:
    from torch.nn.attention.flex_attention import flex_attention as attend

    if bias is None:
        return attend(query, key, value, scale=scale, block_mask=blocks)
    images, heads = bias.shape[:2]

    def add_bias(score: Tensor, b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
        return score + bias[b % images, h % heads, i, j]

    return attend(query, key, value, score_mod=add_bias, scale=scale, block_mask=blocks)


def _case(*tensors: Tensor | None) -> Hashable:
    """What compiled code depends on: shapes, strides, dtypes, devices, gradient modes."""
    modes = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    return modes, *(
        (t.shape, t.stride(), t.dtype, t.device, t.requires_grad) for t in tensors if t is not None
    )


def _compiled(name: str) -> Kernel:
    """`_attend` under another name: the compiler counts its cases by code object."""
    function = FunctionType(_attend.__code__.replace(co_name=name), globals(), name)
    # One compile thread: worker processes would outlive a killed process and occupy cores.
    here: dict[str, Any] = {"compile_threads": 1}
    return torch.compile(function, dynamic=False, fullgraph=True, options=here)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide the compiler's warnings about itself and the machine; no user can act on them."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextmanager
def _compiler_errors_in_a_line() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
            raise
        first, *_ = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError(f"impl 'flex' cannot run here: {first}") from error


def flex_reason(conditions: CallConditions) -> str | None:
    """Why FlexAttention cannot run under these conditions, or None where it can."""
    if conditions.dtype not in DTYPES:
        allowed = ", ".join(map(dtype_name, DTYPES))
        return f"FlexAttention takes {allowed}, got {dtype_name(conditions.dtype)}"
    if conditions.device == "cpu":
        return _cpu_reason(conditions)
    if conditions.device != "cuda":
        return f"FlexAttention needs a CPU or CUDA, got {conditions.device}"
    if conditions.head_dim < LEAST_WIDTH:
        least = f"of {LEAST_WIDTH} and more"
        return f"FlexAttention takes head widths {least} on CUDA, got {conditions.head_dim}"
    return None if find_spec("triton") else "triton is not installed: pip install triton"


def _cpu_reason(conditions: CallConditions) -> str | None:
    if conditions.gradients or conditions.bias == "learned":
        return (
            "FlexAttention has no backward pass on the CPU; call it under torch.inference_mode() "
            "or torch.no_grad()"
        )
    return _cpu_problem()


@cache
def _cpu_problem() -> str | None:
    """What the compiler lacks on this machine."""
    capability = torch.backends.cpu.get_cpu_capability()
    if sys.platform == "darwin" or not capability.startswith("AVX"):
        return f"FlexAttention needs a CPU with AVX2, and not macOS; this is {capability}"
    compiler = os.environ.get("CXX", "cl" if sys.platform == "win32" else "g++")
    if shutil.which(compiler) is None:
        return f"FlexAttention is compiled, and there is no C++ compiler {compiler!r}"
    return None

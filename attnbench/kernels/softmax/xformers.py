"""xformers' `memory_efficient_attention`, and where it cannot run.

Its operators are CUDA kernels, some of them those of torch itself. xformers is imported at the
first call on a GPU, which takes seconds; a failed import is a reason like any other.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import torch
from torch import Tensor

from attnbench.errors import UserError
from attnbench.kernels.conditions import CallConditions, dtype_name
from attnbench.kernels.softmax.sdpa import with_unit_stride

DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def xformers_attention(
    query: Tensor, key: Tensor, value: Tensor, *, scale: float, bias: Tensor | None = None
) -> Tensor:
    """softmax(q kᵀ · scale) v of (batch, heads, n, d) tensors.

    Raises:
        UserError: xformers has no operator for these tensors, with its reasons in one line.
    """
    if bias is not None:
        raise UserError(f"impl 'xformers' cannot run here: {_BIAS}")
    by_tokens = [with_unit_stride(tensor).transpose(1, 2) for tensor in (query, key, value)]
    try:
        return _operator()(*by_tokens, scale=scale).transpose(1, 2)
    except (NotImplementedError, ValueError) as error:
        reasons = " ".join(str(error).split())
        raise UserError(f"impl 'xformers' cannot run here: {reasons}") from None


_BIAS = "it needs a bias in a memory layout of its own, which is not made here; use sdpa"


def xformers_reason(conditions: CallConditions) -> str | None:
    """Why xformers cannot run under these conditions, or None where it can."""
    if conditions.device != "cuda":
        return f"xformers needs CUDA, got {conditions.device}"
    if conditions.dtype not in DTYPES:
        allowed = ", ".join(map(dtype_name, DTYPES))
        return f"xformers takes {allowed}, got {dtype_name(conditions.dtype)}"
    if conditions.dtype != torch.float32 and conditions.head_dim % 8:
        return f"xformers takes head widths that are multiples of 8, got {conditions.head_dim}"
    return _BIAS if conditions.bias != "none" else _import_problem()


@cache
def _import_problem() -> str | None:
    try:
        _operator()
    except ModuleNotFoundError as error:
        if error.name and error.name.partition(".")[0] == "xformers":
            return "xformers is not installed: pip install xformers"
        return f"importing xformers failed: {error}"
    except Exception as error:  # noqa: BLE001 - built for another torch, it may raise anything
        first, *_ = str(error).strip().splitlines() or ["no message"]
        return f"importing xformers failed with {type(error).__name__}: {first}"
    return None


@cache
def _operator() -> Callable[..., Tensor]:
    with _quiet():
        from xformers.ops import memory_efficient_attention
    return memory_efficient_attention


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide the warnings of xformers' import; what it lacks here is reported at the call."""
    logger = logging.getLogger("xformers")
    was_disabled, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = was_disabled

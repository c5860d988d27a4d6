"""torch's `scaled_dot_product_attention`: the kernel it picks, or one by name and no other.

Torch picks by device, dtype, head width and mask, and falls back to the unfused `math` where no
fused kernel can run. A kernel asked for by name either runs, or the call is refused.

What each of them takes, by torch 2.15 (`sdp_utils.cpp`, and tried on the CPU):

- `flash`: on CUDA bfloat16 and float16 up to head width 256, and no bias; a kernel of that name
  for the CPU takes every dtype, and a bias that wants no gradient.
- `efficient`: CUDA; float32, bfloat16 and float16; head widths that are multiples of 16 bytes.
- `cudnn`: CUDA; bfloat16 and float16; head widths that are multiples of 8, no learned bias.
- `math`: everything; the matrix of scores is formed.

What depends on the model of a GPU is asked of torch at each call. Selecting a kernel costs a few
microseconds a call, which `sdpa` does not pay.

On the CPU, `flash` can answer a query of NaN over few keys with numbers; NaN in keys or values
reaches the output as it should.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.backends import cuda
from torch.nn.attention import SDPBackend, sdpa_kernel

from attnbench.errors import UserError
from attnbench.kernels.conditions import CallConditions, dtype_name

Backend = Literal["flash", "efficient", "cudnn", "math"]
BACKENDS: tuple[Backend, ...] = ("flash", "efficient", "cudnn", "math")

_SELECTED = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "math": SDPBackend.MATH,
}
_HALVES = (torch.bfloat16, torch.float16)
_MAX_WIDTH = 256


def sdpa(
    query: Tensor, key: Tensor, value: Tensor, *, scale: float, bias: Tensor | None = None
) -> Tensor:
    """softmax(q kᵀ · scale + bias) v of (batch, heads, n, d) tensors, by the kernel torch picks."""
    return F.scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=scale)


def sdpa_by(
    backend: Backend,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    scale: float,
    bias: Tensor | None = None,
) -> Tensor:
    """The same by one named kernel.

    Raises:
        UserError: the kernel cannot run on these tensors on this device, with torch's reasons.
    """
    query, key, value = (with_unit_stride(tensor) for tensor in (query, key, value))
    if bias is not None and not torch.is_grad_enabled():
        bias = (
            bias.detach()
        )  # torch refuses a bias that may want a gradient even where none is kept
    with sdpa_kernel(_SELECTED[backend]):
        if query.is_cuda and not torch.compiler.is_compiling():
            _refuse_unable(backend, query, key, value, bias)
        return sdpa(query, key, value, scale=scale, bias=bias)


def with_unit_stride(tensor: Tensor) -> Tensor:
    """The tensor with the elements of its last axis side by side, as fused kernels want them."""
    return tensor if tensor.stride(-1) == 1 else tensor.contiguous()


def _refuse_unable(
    backend: Backend, query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None
) -> None:
    """Raise with torch's own reasons where the selected kernel cannot run on a GPU."""
    able = {
        "flash": cuda.can_use_flash_attention,
        "efficient": cuda.can_use_efficient_attention,
        "cudnn": cuda.can_use_cudnn_attention,
    }.get(backend)
    if able is None or able(cuda.SDPAParams(query, key, value, bias, 0.0, False, False)):
        return
    with warnings.catch_warnings(record=True) as said:  # torch gives its reasons as warnings
        warnings.simplefilter("always")
        with suppress(RuntimeError):
            sdpa(query, key, value, scale=1.0, bias=bias)
    reasons = [_without_origin(str(one.message)) for one in said]
    text = "; ".join(reason for reason in reasons if not reason.endswith(_OF_OTHERS))
    text = text or "torch refuses it and does not say why"
    raise UserError(f"impl 'sdpa-{backend}' cannot run here: {text}")


_OF_OTHERS = ("kernel not used because:", "has been runtime disabled")
"""Endings of warnings that are headings, or about kernels that were not selected."""


def _without_origin(message: str) -> str:
    """A warning of torch without the source location at its end."""
    return message.partition("(Triggered internally")[0].strip().rstrip(".")


def flash_reason(conditions: CallConditions) -> str | None:
    """Why the flash kernel cannot run under these conditions, or None where it can."""
    if conditions.device == "cpu":
        return _learned_bias_reason(conditions)
    reason = _cuda_reason("flash", conditions) or _dtype_reason("flash", conditions, _HALVES)
    if reason:
        return reason
    if conditions.bias != "none":
        return "the flash kernel of CUDA adds no bias to the scores"
    if conditions.head_dim > _MAX_WIDTH:
        return f"the flash kernel takes head widths up to {_MAX_WIDTH}, got {conditions.head_dim}"
    return None


def efficient_reason(conditions: CallConditions) -> str | None:
    """Why the memory-efficient kernel cannot run under these conditions, or None where it can."""
    dtypes = (torch.float32, *_HALVES)
    return (
        _cuda_reason("efficient", conditions)
        or _dtype_reason("efficient", conditions, dtypes)
        or _width_reason("efficient", conditions)
    )


def cudnn_reason(conditions: CallConditions) -> str | None:
    """Why cuDNN's kernel cannot run under these conditions, or None where it can."""
    return (
        _cuda_reason("cudnn", conditions)
        or _dtype_reason("cudnn", conditions, _HALVES)
        or _width_reason("cudnn", conditions)
        or _learned_bias_reason(conditions)
    )


def _cuda_reason(backend: Backend, conditions: CallConditions) -> str | None:
    if conditions.device == "cuda":
        return None
    return f"the {backend} kernel needs CUDA, got {conditions.device}"


def _dtype_reason(
    backend: Backend, conditions: CallConditions, dtypes: tuple[torch.dtype, ...]
) -> str | None:
    if conditions.dtype in dtypes:
        return None
    allowed = ", ".join(map(dtype_name, dtypes))
    return f"the {backend} kernel takes {allowed}, got {dtype_name(conditions.dtype)}"


def _width_reason(backend: Backend, conditions: CallConditions) -> str | None:
    """Half precision only: the alignment of float32 depends on the model of the GPU."""
    if conditions.dtype not in _HALVES or conditions.head_dim % 8 == 0:
        return None
    width = conditions.head_dim
    return f"the {backend} kernel takes head widths that are multiples of 8, got {width}"


def _learned_bias_reason(conditions: CallConditions) -> str | None:
    return "this kernel has no gradient for a bias" if conditions.bias == "learned" else None

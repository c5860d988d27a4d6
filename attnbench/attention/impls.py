"""What each `impl=` name stands for, and where it cannot run.

The name of a mechanism is its mathematics, an implementation is code for it. One that cannot run
says why; nothing falls back to another on the quiet. A stranger's mechanism may have names of its
own: of those nothing is known here, and they are tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from attnbench.errors import UserError
from attnbench.kernels.anchor import operator as anchor_operator
from attnbench.kernels.conditions import Bias, CallConditions, Reason
from attnbench.kernels.softmax.flex import flex_reason
from attnbench.kernels.softmax.sdpa import cudnn_reason, efficient_reason, flash_reason
from attnbench.kernels.softmax.xformers import xformers_reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Impl:
    """One implementation, for whichever mechanisms name it."""

    name: str
    summary: str
    reason_against: Reason | None = None
    """Why it cannot run in a setting, or None where it can; no function: it runs everywhere."""
    only_on: str = ""
    """The one device type that it is for, where its operator would run other code on another: this
    is checked inside of compiled code, too, where nothing else is."""
    compiled: bool = False
    """Whether torch compiles it at the first call. Watched operator by operator, it would fall
    back to eager code."""


_TABLE = (
    Impl(name="reference", summary="plain eager code, the oracle"),
    Impl(name="sdpa", summary="torch's fused attention, kernel of its choice"),
    Impl(name="sdpa-flash", summary="its flash kernel alone", reason_against=flash_reason),
    Impl(
        name="sdpa-efficient",
        summary="its memory-efficient kernel alone",
        reason_against=efficient_reason,
    ),
    Impl(name="sdpa-cudnn", summary="its cuDNN kernel alone", reason_against=cudnn_reason),
    Impl(name="sdpa-math", summary="its unfused path alone"),
    Impl(name="xformers", summary="xformers' fused attention", reason_against=xformers_reason),
    Impl(
        name="flex",
        summary="torch's FlexAttention, compiled",
        reason_against=flex_reason,
        compiled=True,
    ),
    Impl(name="folded", summary="anchor layer that never forms keys and values"),
    Impl(
        name="chunked",
        summary="anchor operator in blocks of tokens, for the caches of a CPU",
        only_on="cpu",
        reason_against=anchor_operator.reason_against_chunked,
    ),
    Impl(
        name="triton",
        summary="anchor operator in two streaming passes on a GPU",
        only_on="cuda",
        reason_against=anchor_operator.reason_against_triton,
    ),
)
IMPLS = {impl.name: impl for impl in _TABLE}


def reason_against(name: str, setting: CallConditions) -> str | None:
    """Why an implementation cannot run in a setting, or None where it can or is not known."""
    impl = IMPLS.get(name)
    if impl is None or impl.reason_against is None or setting.device == "meta":
        return None
    return impl.reason_against(setting)


def may_use_sdpa(name: str) -> bool:
    """Whether to watch a call for torch's fused attention; a name not known here may use it."""
    impl = IMPLS.get(name)
    return name != "reference" and not (impl and impl.compiled)


def setting_of(
    x: Tensor, head_dim: int, num_anchors: int = 0, bias: Bias = "none"
) -> CallConditions:
    """The setting of a call with this input."""
    kept = torch.is_grad_enabled()
    bias = "fixed" if bias == "learned" and not kept else bias
    return _setting(x.device.type, x.dtype, head_dim, num_anchors, kept and x.requires_grad, bias)


@lru_cache(256)  # a call is not to wait for it
def _setting(
    device: str, dtype: torch.dtype, head_dim: int, num_anchors: int, gradients: bool, bias: Bias
) -> CallConditions:
    return CallConditions(
        device=device,
        dtype=dtype,
        head_dim=head_dim,
        num_anchors=num_anchors,
        gradients=gradients,
        bias=bias,
    )


def check_impl(
    name: str, x: Tensor, head_dim: int, num_anchors: int = 0, bias: Bias = "none"
) -> None:
    """Refuse a call that an implementation cannot serve; costs about a microsecond.

    Inside of compiled code the device alone is checked, and only where another would be served by
    other code: for the rest the kernel's own error has to do.

    Raises:
        UserError: with the reason.
    """
    impl = IMPLS.get(name)
    if impl is None or impl.reason_against is None or x.is_meta:
        return
    if torch.compiler.is_compiling():
        if impl.only_on and x.device.type != impl.only_on:
            raise UserError(f"impl {name!r} needs {impl.only_on}, got {x.device.type}")
        return
    reason = impl.reason_against(setting_of(x, head_dim, num_anchors, bias))
    if reason:
        raise UserError(f"impl {name!r} cannot run here: {reason}")

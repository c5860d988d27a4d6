"""Where implementations can run: asked before a call, answered with a reason.

An implementation that cannot run says why, and nothing falls back to another silently.
"""

from __future__ import annotations

import importlib
from functools import cache, lru_cache
from typing import Any

import torch
from torch import Tensor

from attnbench.errors import UserError
from attnbench.kernels.conditions import Bias, CallConditions, Reason
from attnbench.kernels.table import IMPLS


def reason_against(name: str, conditions: CallConditions) -> str | None:
    """Why an implementation cannot run; None where it can, or where it is not in the table."""
    row = IMPLS.get(name)
    if row is None or not row.reason or conditions.device == "meta":
        return None
    return _loaded(row.reason)(conditions)


@cache
def _loaded(target: str) -> Reason:
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)


def conditions_of(x: Tensor, head_dim: int, bias: Bias = "none", **options: Any) -> CallConditions:
    """The conditions of a call with this input; `options` are those that a kernel asks for."""
    kept = torch.is_grad_enabled()
    bias = "fixed" if bias == "learned" and not kept else bias
    return _conditions(x.device.type, x.dtype, head_dim, kept and x.requires_grad, bias, **options)


@lru_cache(256)  # a call is not to wait for it
def _conditions(
    device: str, dtype: torch.dtype, head_dim: int, gradients: bool, bias: Bias, **options: Any
) -> CallConditions:
    return CallConditions(
        device=device,
        dtype=dtype,
        head_dim=head_dim,
        gradients=gradients,
        bias=bias,
        options=options,
    )


def check_impl(name: str, x: Tensor, head_dim: int, bias: Bias = "none", **options: Any) -> None:
    """Refuse a call that an implementation cannot serve; costs about a microsecond.

    Inside compiled code only the device is checked, since an operator may run other code on
    another device. For the rest the kernel's own error has to do.

    Raises:
        UserError: with the reason.
    """
    row = IMPLS.get(name)
    if row is None or not row.reason or x.is_meta:
        return
    if torch.compiler.is_compiling():
        if row.devices and x.device.type not in row.devices:
            needed = " or ".join(row.devices)
            raise UserError(f"impl {name!r} needs {needed}, got {x.device.type}")
        return
    reason = reason_against(name, conditions_of(x, head_dim, bias, **options))
    if reason:
        raise UserError(f"impl {name!r} cannot run here: {reason}")

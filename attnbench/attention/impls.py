"""What each `impl=` name stands for, and where it cannot run.

The name of a mechanism is its mathematics, an implementation is code for it. One that cannot run
says why; nothing falls back to another on the quiet. A stranger's mechanism may have names of its
own: of those nothing is known here, and they are tried.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from attnbench.errors import UserError
from attnbench.kernels import anchor_operator
from attnbench.kernels.setting import Reason, Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Impl:
    """One implementation, for whichever mechanisms name it."""

    name: str
    summary: str
    reason_against: Reason = lambda setting: None
    """Why it cannot run in a setting, or None where it can."""


_TABLE = (
    Impl(name="reference", summary="plain eager code, the oracle of the others"),
    Impl(name="sdpa", summary="torch's scaled_dot_product_attention, which picks a kernel"),
    Impl(name="folded", summary="anchor layer that never forms keys and values"),
    Impl(
        name="chunked",
        summary="anchor operator in blocks of tokens, for the caches of a CPU",
        reason_against=anchor_operator.reason_against_chunked,
    ),
    Impl(
        name="triton",
        summary="anchor operator in two streaming passes on a GPU",
        reason_against=anchor_operator.reason_against_triton,
    ),
)
IMPLS = {impl.name: impl for impl in _TABLE}


def reason_against(name: str, setting: Setting) -> str | None:
    """Why an implementation cannot run in a setting, or None where it can or is not known."""
    impl = IMPLS.get(name)
    return impl.reason_against(setting) if impl and setting.device != "meta" else None


def setting_of(x: Tensor, head_dim: int, num_anchors: int = 0) -> Setting:
    """The setting of a call with this input."""
    return Setting(
        device=x.device.type,
        dtype=x.dtype,
        head_dim=head_dim,
        num_anchors=num_anchors,
        gradients=torch.is_grad_enabled() and x.requires_grad,
    )


def check_impl(name: str, x: Tensor, head_dim: int, num_anchors: int = 0) -> None:
    """Refuse a call that an implementation cannot serve.

    Raises:
        UserError: with the reason.
    """
    reason = reason_against(name, setting_of(x, head_dim, num_anchors))
    if reason:
        raise UserError(f"impl {name!r} cannot run here: {reason}")

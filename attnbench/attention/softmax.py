"""Softmax attention between given queries, keys and values; shared by dense, window and sparse.

softmax(q kᵀ / √d + bias) v, computed by one of

- `reference`: plain products; the n × k matrix is formed, its softmax in float32 at least;
- `sdpa`: torch's fused `scaled_dot_product_attention`, which picks a kernel by device and dtype;
- `sdpa-flash`, `sdpa-efficient`, `sdpa-cudnn`, `sdpa-math`: the same by that kernel alone;
- `xformers`: its `memory_efficient_attention`;
- `flex`: torch's FlexAttention, compiled.

`kernels/availability.py` says where each cannot run. Tensors without elements go to `reference`:
kernels refuse them, and there is nothing to compute.

MACs: batch · heads · n · k · 2 d.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from jaxtyping import Float
from torch import Tensor

from attnbench.attention.base import statistics_dtype
from attnbench.kernels.availability import check_impl
from attnbench.kernels.conditions import Bias
from attnbench.kernels.softmax.flex import flex_attention
from attnbench.kernels.softmax.sdpa import BACKENDS, sdpa, sdpa_by
from attnbench.kernels.softmax.xformers import xformers_attention

_KERNELS: dict[str, Callable[..., Tensor]] = {
    "sdpa": sdpa,
    **{f"sdpa-{backend}": partial(sdpa_by, backend) for backend in BACKENDS},
    "xformers": xformers_attention,
    "flex": flex_attention,
}
IMPLS = ("reference", *_KERNELS)
PLAIN_IMPLS = ("reference", "sdpa")
"""Of a mechanism in which this is one step of several, and torch may choose the kernel."""
BIASED_IMPLS = ("reference", "sdpa", "sdpa-efficient", "sdpa-math", "flex")
"""Those for a learned bias; the others add none, or have no gradient for it."""


def softmax_attention(
    query: Float[Tensor, "*batch n d"],
    key: Float[Tensor, "*batch k d"],
    value: Float[Tensor, "*batch k d"],
    *,
    scale: float,
    impl: str,
    bias: Float[Tensor, ...] | None = None,
    blocks: Any = None,
) -> Float[Tensor, "*batch n d"]:
    """Attend; `bias` is added to the scaled scores and broadcasts to (*batch, n, k).

    `blocks` says for `flex` which pairs are attended to (`kernels/softmax/flex.block_mask`).

    The first axis of the bias may also divide the batch; it then repeats, for example one bias for
    each window of an image.

    Raises:
        UserError: the implementation cannot run here.
    """
    if bias is not None and bias.dim() < query.dim():
        bias = bias[(None,) * (query.dim() - bias.dim())]
    impl = _runnable(impl, query, key, bias)
    if bias is not None and impl != "flex":
        bias = _repeated(bias, query)
    if impl == "reference":
        return _reference(query, key, value, scale, bias)
    if blocks is not None and impl == "flex":
        return flex_attention(query, key, value, scale=scale, bias=bias, blocks=blocks)
    return _KERNELS[impl](query, key, value, scale=scale, bias=bias)


def _runnable(impl: str, query: Tensor, key: Tensor, bias: Tensor | None) -> str:
    """The implementation asked for, or a stand-in where no kernel is to run."""
    if impl == "reference":
        return impl
    if query.is_meta:  # for counting, all are torch's operator
        return "sdpa"
    check_impl(impl, query, query.shape[-1], bias=_kind_of(bias))
    return impl if query.numel() and key.numel() else "reference"


def _reference(
    query: Tensor, key: Tensor, value: Tensor, scale: float, bias: Tensor | None
) -> Tensor:
    scores = (query * scale) @ key.transpose(-2, -1)
    if bias is not None:
        scores = scores + bias
    weights = scores.softmax(-1, dtype=statistics_dtype(scores)).to(value.dtype)
    return weights @ value


def _kind_of(bias: Tensor | None) -> Bias:
    if bias is None:
        return "none"
    return "learned" if bias.requires_grad else "fixed"


def _repeated(bias: Tensor, query: Tensor) -> Tensor:
    """The bias with a first axis as long as the batch, or of length 1."""
    times = 1 if bias.shape[0] == 1 else query.shape[0] // bias.shape[0]
    return bias if times == 1 else bias.repeat(times, *(1,) * (bias.dim() - 1))

"""Gives a mechanism the weights of the dense attention that it replaces.

Weights are matched by the names of the mechanism's projections: `qkv`, or `q` and `kv`, or `kv`
alone, and `proj`. A plug-in's mechanism with the same names is filled in the same way. One without
`kv` or `qkv` cannot take the values and is refused.

Parameters that the mechanism adds start so that the output changes as little as possible: the
reducing convolution of `sparse` takes the mean of each r × r block, the relative positions of
`window` are zero. (For the anchors of `anchor` see `anchor_start.py`.)
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.base import Attention, merge_heads, split_heads
from attnbench.attention.sparse import SpatialReductionAttention
from attnbench.attention.window import WindowAttention
from attnbench.errors import UserError
from attnbench.models.convert.timm_attention import Parts

PROJECTIONS = ("q", "kv", "qkv")
"""Names of the projections that a mechanism may have."""


class NormedProjection(nn.Module):
    """A joint projection with norms on the queries or keys of each head (timm's `qk_norm`)."""

    def __init__(self, linear: nn.Linear, norms: list[nn.Module], num_heads: int) -> None:
        """`norms` has one for each part of the output; nn.Identity for the values."""
        super().__init__()
        self.linear = linear
        self.norms = nn.ModuleList(norms)
        self.num_heads = num_heads

    def forward(
        self, x: Float[Tensor, "batch tokens dim"]
    ) -> Float[Tensor, "batch tokens channels"]:
        """Project, and norm each part head by head."""
        parts = self.linear(x).chunk(len(self.norms), dim=-1)
        normed = [
            merge_heads(norm(split_heads(part, self.num_heads)))
            for norm, part in zip(self.norms, parts, strict=True)
        ]
        return torch.cat(normed, dim=-1)


def fill(layer: Attention, parts: Parts) -> None:
    """Copy the weights; the output projection is the old attention's own module.

    Raises:
        UserError: the mechanism has no projection for keys and values under a known name.
    """
    if not (hasattr(layer, "proj") and (hasattr(layer, "kv") or hasattr(layer, "qkv"))):
        raise UserError(
            f"{type(layer).__name__} cannot take over weights: expected projections named `kv` "
            "or `qkv`, and `proj`"
        )
    for name in PROJECTIONS:
        if hasattr(layer, name):
            setattr(layer, name, projection(parts, name))
    has_norm = not isinstance(parts.out_norm, nn.Identity)
    layer.proj = nn.Sequential(parts.out_norm, parts.proj) if has_norm else parts.proj
    layer.proj_drop = parts.proj_drop
    if isinstance(layer, SpatialReductionAttention) and layer.sr_ratio > 1:
        _start_as_mean(layer.sr)
    if isinstance(layer, WindowAttention):
        nn.init.zeros_(layer.relative_position_bias_table)


def projection(parts: Parts, names: str) -> nn.Module:
    """The projections of some of "q", "k" and "v" as one module, with their norms if any."""
    linear = _joined(parts, names)
    norms = [parts.norms.get(name, nn.Identity()) for name in names]
    if all(isinstance(norm, nn.Identity) for norm in norms):
        return linear
    return NormedProjection(linear, norms, parts.num_heads)


def _joined(parts: Parts, names: str) -> nn.Linear:
    """Stacked weights; if some projections have a bias, the others get zeros."""
    weights, biases = zip(*(parts.projections[name] for name in names), strict=True)
    weight = torch.cat(weights).detach()
    linear = nn.Linear(
        weight.shape[1],
        weight.shape[0],
        bias=any(bias is not None for bias in biases),
        device=weight.device,
        dtype=weight.dtype,
    )
    linear.weight.data.copy_(weight)
    if linear.bias is not None:
        zeros = weight.new_zeros(parts.dim)
        joined = torch.cat([zeros if bias is None else bias.detach() for bias in biases])
        linear.bias.data.copy_(joined)
    return linear.requires_grad_(parts.trainable)


def _start_as_mean(conv: nn.Conv2d) -> None:
    """Each channel becomes its own mean over the kernel."""
    height, width = conv.kernel_size
    with torch.no_grad():
        mean = torch.eye(conv.out_channels)[:, :, None, None] / (height * width)
        conv.weight.copy_(mean.expand_as(conv.weight))
        if conv.bias is not None:
            conv.bias.zero_()

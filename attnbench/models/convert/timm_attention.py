"""Reads timm's dense attentions into one form.

timm (https://github.com/huggingface/pytorch-image-models) has several classes of dense attention.
They differ in how they store biases, in norms on queries and keys or before the output projection,
and in the relative positions that they add to the scores. `parts_of` reads four of them. It
refuses what the mechanisms of this project do not have: gates, dropout of attention weights, heads
wider or narrower than dim / heads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from attnbench.errors import UserError

Projection = tuple[Tensor, Tensor | None]
"""Weight (dim, dim) and bias (dim,) of queries, keys or values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of a dense attention of any class; modules and tensors are its own."""

    dim: int
    num_heads: int
    projections: dict[str, Projection]
    """Under "q", "k" and "v"."""
    norms: dict[str, nn.Module]
    """Under "q" and "k", on the channels of one head; nn.Identity where there is none."""
    out_norm: nn.Module
    """Before the output projection; nn.Identity where there is none."""
    proj: nn.Linear
    proj_drop: nn.Module
    trainable: bool
    """Whether the projections are trained; a frozen model stays frozen."""
    position_bias: nn.Module | None
    """A module whose `get_bias()` is (1, heads, tokens, tokens), added to the scaled scores."""


def parts_of(module: nn.Module) -> Parts:
    """Read one of timm's attentions.

    Raises:
        UserError: it is of another class, or does something that no mechanism here does.
    """
    reader = _readers().get(type(module))
    if reader is None:
        got = f"{type(module).__module__}.{type(module).__name__}"
        raise UserError(
            "expected the dense attention of timm's VisionTransformer, Beit, Eva or "
            f"VisionTransformerRelPos, got {got}"
        )
    parts = reader(module)
    _refuse_extras(module, parts)
    return parts


def _readers() -> dict[type[nn.Module], Callable[[Any], Parts]]:
    """A reader for each exact class: a subclass may do anything in its forward call."""
    from timm.layers import Attention as VitAttention
    from timm.models.beit import Attention as BeitAttention
    from timm.models.eva import EvaAttention
    from timm.models.vision_transformer_relpos import RelPosAttention

    return {
        VitAttention: _read_vit,
        BeitAttention: _read_beit,
        EvaAttention: _read_eva,
        RelPosAttention: _read_vit,
    }


def _read_vit(module: Any) -> Parts:
    """One linear layer for q, k and v, with its bias.

    `vision_transformer_relpos` adds a module for relative positions.
    """
    return _parts(
        module,
        projections=_thirds(module.qkv.weight, module.qkv.bias),
        position_bias=getattr(module, "rel_pos", None),
    )


def _read_beit(module: Any) -> Parts:
    """The bias of the keys is a constant zero; the layer holds the table of relative positions."""
    return _parts(
        module,
        projections=_thirds(module.qkv.weight, _joint_bias(module)),
        position_bias=_beit_bias(module),
    )


def _read_eva(module: Any) -> Parts:
    """One linear layer, or three; no bias on the keys either way."""
    if module.qkv is not None:
        projections = _thirds(module.qkv.weight, _joint_bias(module))
    else:
        three = {"q": module.q_proj, "k": module.k_proj, "v": module.v_proj}
        projections = {name: (layer.weight, layer.bias) for name, layer in three.items()}
    return _parts(module, projections=projections, position_bias=None)


def _parts(module: Any, *, projections: dict[str, Projection], position_bias: Any) -> Parts:
    return Parts(
        dim=projections["q"][0].shape[1],
        num_heads=module.num_heads,
        projections=projections,
        norms={
            "q": getattr(module, "q_norm", nn.Identity()),
            "k": getattr(module, "k_norm", nn.Identity()),
        },
        out_norm=getattr(module, "norm", nn.Identity()),
        proj=module.proj,
        proj_drop=module.proj_drop,
        trainable=module.proj.weight.requires_grad,
        position_bias=position_bias,
    )


def _thirds(weight: Tensor, bias: Tensor | None) -> dict[str, Projection]:
    biases = (None, None, None) if bias is None else bias.chunk(3)
    return dict(zip("qkv", zip(weight.chunk(3), biases, strict=True), strict=True))


def _joint_bias(module: Any) -> Tensor | None:
    if module.q_bias is None:
        return None
    return torch.cat([module.q_bias, module.k_bias, module.v_bias])


def _beit_bias(module: Any) -> nn.Module | None:
    """The layer's table, in timm's own module for such tables: same shape, same index."""
    if module.relative_position_bias_table is None:
        return None
    from timm.layers import RelPosBias

    bias = RelPosBias(module.window_size, module.num_heads, prefix_tokens=1)
    bias.relative_position_bias_table = module.relative_position_bias_table
    bias.relative_position_index = module.relative_position_index.flatten()
    return bias.train(module.training)


def _refuse_extras(module: Any, parts: Parts) -> None:
    """Refuse what would be lost silently."""
    name = type(module).__name__
    if parts.proj.in_features != parts.dim or parts.proj.out_features != parts.dim:
        raise UserError(
            f"{name} has heads of {parts.proj.in_features // parts.num_heads} channels on "
            f"{parts.dim} channels; expected {parts.dim} / {parts.num_heads} heads"
        )
    if getattr(module, "gate", None) is not None:
        raise UserError(f"{name} gates its output, which no mechanism here does")
    if module.attn_drop.p > 0:
        raise UserError(
            f"{name} drops attention weights in training (attn_drop {module.attn_drop.p:g}), "
            "which no mechanism here does; build the model with attn_drop_rate=0"
        )

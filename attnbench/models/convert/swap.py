"""Swaps the attention of a trained vision transformer of timm for a mechanism of this project.

`convert(model, "anchor", num_anchors=30)` turns every dense attention of the model into anchor
attention. It keeps all weights that fit: values, keys, output projection, norms on keys, biases.
Weights that the mechanism has no use for are dropped (queries, for `anchor`). Parameters that it
adds start so that the output changes as little as possible (`layer_weights.py`).

`dense`, `window` with a window as large as the map, and `sparse` with `sr_ratio=1` leave the
model's outputs unchanged. The other mechanisms change them and need fine-tuning.

Models: timm's VisionTransformer and related classes (ViT, DeiT, DeiT-III, BEiT, EVA without rotary
positions, ViT with relative positions, hybrids), see `timm_attention.py`. The dense mechanisms
keep relative positions. The others have no scores of token against token to add them to, and drop
them with a warning.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import nn

from attnbench.attention.anchor import AnchorAttention
from attnbench.attention.base import Attention
from attnbench.attention.factory import attention_class, create_attention
from attnbench.errors import UserError
from attnbench.models.convert.anchor_start import start_anchors
from attnbench.models.convert.converted_attention import ConvertedAttention, TokenGrid
from attnbench.models.convert.layer_weights import fill
from attnbench.models.convert.timm_attention import Parts, parts_of
from attnbench.models.vit import STAGE_OF_PATCH_16

Model = TypeVar("Model", bound=nn.Module)

FROM_THE_MODEL = frozenset({"qkv_bias", "proj_drop", "num_prefix_tokens"})
"""Options of the mechanisms that the model decides."""


def convert(
    model: Model,
    attention: str,
    *,
    data: Iterable[Any] | None = None,
    inplace: bool = False,
    **options: Any,
) -> Model:
    """Swap every dense attention of a timm model for a registered mechanism.

    Args:
        model: a vision transformer of timm with one patch embedding and one resolution.
        attention: name of the mechanism, such as "anchor".
        data: for "anchor": a few batches of images (batch, channels, height, width), normalised
            as the model takes them, or of (images, labels) as loaders give them; four are read.
            The anchors start at centres of their queries (`anchor_start.py`). Without data they
            are drawn at random, as in a new layer: normal, standard deviation 2.
        inplace: change the model itself; by default a copy is changed.
        options: of the mechanism, such as `num_anchors`.

    Returns:
        The converted model, on the device and in the precision of the original.

    Raises:
        UserError: the model has no attention to swap or one that cannot be swapped (it is named),
            or the mechanism does not take the model's class tokens or one of the options.
    """
    cls = attention_class(attention)
    _refuse_options(cls, options, data)
    if not inplace:
        model = copy.deepcopy(model)
    attentions = _attentions_of(model)
    parts = {}
    for name, module in attentions.items():
        with _naming(name):
            _refuse_converted(module)
            parts[name] = parts_of(module)
    tokens = _tokens_of(model, next(iter(attentions)))
    layers = _layers(attention, cls, parts, tokens.num_prefix_tokens, options)
    if data is not None:
        start_anchors(model, attentions, parts, layers, data)
    if not cls.takes_position_bias:
        _warn_of_lost_positions(model, attention, parts)
    # The model is changed only here, so a refusal leaves it unchanged.
    _swap(model, attentions, parts, layers, tokens)
    return model


def _refuse_options(cls: type[Attention], options: Mapping[str, Any], data: Any) -> None:
    taken = sorted(FROM_THE_MODEL & set(options))
    if taken:
        raise UserError(f"{', '.join(taken)} come from the model when it is converted; leave out")
    if data is not None and not issubclass(cls, AnchorAttention):
        raise UserError(f"data is for mechanisms with learned anchors; {cls.__name__} has none")


def _attentions_of(model: nn.Module) -> dict[str, nn.Module]:
    """The attentions of the blocks by name: timm's blocks call them `attn`.

    Raises:
        UserError: there are none.
    """
    found = {
        name: module
        for name, module in model.named_modules()
        if name.split(".")[-1] == "attn" and not isinstance(module, nn.Identity)
    }
    if not found:
        name, first = next((n, m) for n, m in model.named_modules() if not list(m.children()))
        raise UserError(
            f"expected a vision transformer of timm, with blocks that hold an `attn`; got "
            f"{type(model).__name__} without any (its first layer is {name or 'itself'}, "
            f"{type(first).__name__})"
        )
    return found


def _refuse_converted(module: nn.Module) -> None:
    if isinstance(module, ConvertedAttention):
        raise UserError(
            f"is converted already, to {type(module.layer).__name__}; convert the original model"
        )


def _tokens_of(model: Any, first: str) -> TokenGrid:
    """The grid of the tokens, which must be that of the patch embedding in all blocks."""
    patch_embed = getattr(model, "patch_embed", None)
    if getattr(model, "rope", None) is not None:
        raise UserError(
            f"{first}: {type(model).__name__} has rotary positions, which turn queries and keys; "
            "no mechanism here takes them"
        )
    if getattr(patch_embed, "grid_size", None) is None or not hasattr(model, "num_prefix_tokens"):
        raise UserError(
            f"{first}: expected a model whose tokens keep the grid of one patch embedding "
            f"(patch_embed.grid_size, num_prefix_tokens), got {type(model).__name__}"
        )
    return TokenGrid(patch_embed, int(model.num_prefix_tokens))


@contextmanager
def _naming(layer: str) -> Iterator[None]:
    """Put the layer's name before the message of a refusal."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{layer}: {error}") from None


def _layers(
    attention: str,
    cls: type[Attention],
    parts: Mapping[str, Parts],
    num_prefix_tokens: int,
    options: Mapping[str, Any],
) -> dict[str, Attention]:
    """The new layers by name, with the weights of the old ones."""
    prefix = {"num_prefix_tokens": num_prefix_tokens} if num_prefix_tokens else {}
    layers = {}
    for index, (name, part) in enumerate(parts.items()):
        defaults = cls.options_at(stage=STAGE_OF_PATCH_16, block=index)
        weight = part.projections["v"][0]
        with _naming(name), torch.device(weight.device):
            layer = create_attention(
                attention, part.dim, part.num_heads, **{**defaults, **options, **prefix}
            )
            fill(layer.to(weight.dtype), part)
        layers[name] = layer
    return layers


def _warn_of_lost_positions(model: Any, attention: str, parts: Mapping[str, Parts]) -> None:
    """Warn that relative positions are dropped, once for the whole model."""
    shared = any(
        getattr(model, name, None) is not None for name in ("rel_pos_bias", "shared_rel_pos")
    )
    if not shared and all(part.position_bias is None for part in parts.values()):
        return
    absolute = getattr(model, "pos_embed", None) is not None
    left = "its position embedding is left" if absolute else "and has no other: it must relearn"
    warnings.warn(
        f"{attention} attention forms no scores of token against token: {type(model).__name__} "
        f"loses its relative positions ({left})",
        stacklevel=3,
    )


def _swap(
    model: nn.Module,
    attentions: Mapping[str, nn.Module],
    parts: Mapping[str, Parts],
    layers: Mapping[str, Attention],
    tokens: TokenGrid,
) -> None:
    """Replace the old layers by the new ones, each in the mode of the old one."""
    if getattr(model, "dynamic_img_size", False):
        tokens.follow_images()
    for name, layer in layers.items():
        bias = parts[name].position_bias if layer.takes_position_bias else None
        converted = ConvertedAttention(layer, tokens, bias)
        model.set_submodule(name, converted.train(attentions[name].training))

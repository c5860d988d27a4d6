"""Checks of claims that build and count models, or compute with the mechanism itself.

Each check takes the claimed number, then the arguments of its line in `claims.csv`.
"""

from __future__ import annotations

from functools import cache
from math import log
from typing import Any

import torch
from torch import nn

from attnbench.attention.anchor import bipartite_attention
from attnbench.attention.base import Attention
from attnbench.attention.factory import create_attention
from attnbench.errors import UserError
from attnbench.models.factory import create_model
from attnbench.models.presets import DEIT
from attnbench.records import ModelRecord
from attnbench.reproduce.counting import at, count
from attnbench.reproduce.outcome import Outcome, at_most, equal, within_share
from attnbench.reproduce.trunk import Trunk

PX = 224
COUNT_SHARE = 0.05
"""A budget holds within this share, which exceeds the difference between two ways of counting."""


@cache
def _counted(model: str) -> ModelRecord:
    return count(at(model, PX))


def _macs(model: str) -> int:
    record = _counted(model)
    if record.macs is None:
        raise UserError(f"model {model} could not be counted: {record.reason}")
    return record.macs.products_macs


def largest_deit_saving(claimed: float, size: str) -> Outcome:
    """Most of DeiT's MACs that any attention can save: n² products and the query projection."""
    sizes = DEIT[size]
    n, C, depth = (PX // 16) ** 2 + 1, sizes["dim"], sizes["depth"]
    removable = depth * (2 * n**2 * C + n * C**2)
    return at_most(claimed, 100 * removable / _macs(f"deit-{size}"))


def largest_levit_saving(claimed: float, width: str) -> Outcome:
    """The same bound for LeViT, whose layers differ in queries, keys and widths."""
    with torch.device("meta"):
        model = create_model(f"timm-levit-{width}")
    removable = sum(_levit_removable(m) for m in model.modules() if hasattr(m, "key_attn_dim"))
    return at_most(claimed, 100 * removable / _macs(f"timm-levit-{width}"))


def _levit_removable(layer: Any) -> int:
    """MACs of the query projection, its product with the keys, and the product with the values.

    The attributes are timm's: in a shrinking layer, keys and values have their own projection.
    """
    queries, keys = layer.attention_bias_idxs.shape
    joint = getattr(layer, "qkv", None) or layer.kv
    projection = queries * joint.linear.in_features * layer.key_attn_dim
    return int(projection + queries * keys * (layer.key_attn_dim + layer.val_attn_dim))


def largest_parameter_cut(claimed: float, size: str) -> Outcome:
    """Percent of DeiT's parameters that dropping the query projection saves."""
    C, depth = DEIT[size]["dim"], DEIT[size]["depth"]
    params = _counted(f"deit-{size}").params or 0
    return at_most(claimed, 100 * depth * (C**2 + C) / params)


def counted_params(claimed: float, model: str) -> Outcome:
    """Counted parameters of a model, in millions."""
    return within_share(claimed, (_counted(model).params or 0) / 1e6, COUNT_SHARE)


def counted_gmacs(claimed: float, model: str) -> Outcome:
    """Counted GMACs of a model at 224 px."""
    return within_share(claimed, _macs(model) / 1e9, COUNT_SHARE)


def growth_in_gmacs(claimed: float, size: str, few: str, many: str) -> Outcome:
    """GMACs that a trunk gains from more anchors."""
    trunk = Trunk(size=size)
    added = trunk.macs("anchor", int(many)) - trunk.macs("anchor", int(few))
    return equal(claimed, added / 1e9, tolerance=0.05)


def growth_in_params(claimed: float, size: str, few: str, many: str) -> Outcome:
    """Millions of parameters that a trunk gains from more anchors, with a set for each head."""
    trunk = Trunk(size=size)
    per_layer = (int(many) - int(few)) * trunk.dim
    return equal(claimed, trunk.depth * per_layer / 1e6, tolerance=0.05)


def cost_exponent(claimed: float, attention: str) -> Outcome:
    """Exponent of the cost in tokens, without projections, from 4,096 to 16,384 tokens."""
    layer = create_attention(attention, 192, 3)
    small, large = (_mixing(layer, side) for side in (64, 128))
    return equal(claimed, log(large / small) / log(4), tolerance=0.01)


def _mixing(layer: Attention, side: int) -> int:
    """MACs of a layer without its projections of every token, which its weights give."""
    projected = sum(m.weight.numel() for m in layer.modules() if isinstance(m, nn.Linear))
    return layer.macs((side, side)) - side**2 * projected


def row_sums_of_s(claimed: float, normalised_over: str) -> Outcome:
    """Mean row sum of S = A Δ⁻¹ Aᵀ, with A normalised over anchors, or over tokens as in eq. 13."""
    generator = torch.Generator().manual_seed(0)
    key = torch.randn(1, 3, 196, 64, generator=generator, dtype=torch.float64)
    anchors = torch.randn(30, 64, generator=generator, dtype=torch.float64)
    if normalised_over == "anchors":
        A = bipartite_attention(key, anchors, 64**-0.5)
    else:
        A = (key @ anchors.T * 64**-0.5).softmax(-2)
    S = A / A.sum(-2, keepdim=True) @ A.transpose(-2, -1)
    worst = (S.sum(-1) - claimed).abs().max()
    return Outcome(computed=float(S.sum(-1).mean()), holds=bool(worst < 1e-9))


def rank_of_s(claimed: float) -> Outcome:
    """Rank of S with 30 anchors on 196 tokens; the claim is an upper bound."""
    generator = torch.Generator().manual_seed(0)
    key = torch.randn(1, 1, 196, 64, generator=generator, dtype=torch.float64)
    A = bipartite_attention(key, torch.randn(30, 64, generator=generator).double(), 1.0)[0, 0]
    S = A / A.sum(0) @ A.T
    rank = float(torch.linalg.matrix_rank(S, hermitian=True))
    return Outcome(computed=rank, holds=rank <= claimed)

"""Checks of claims that build and count models, or compute with the mechanism itself.

Each check takes the claimed number, then the arguments of its line in `claims.csv`.
"""

from __future__ import annotations

from functools import cache
from math import log

import torch
from torch import nn

from attnbench.attention.anchor import bipartite_attention
from attnbench.attention.base import Attention
from attnbench.attention.factory import create_attention
from attnbench.errors import UserError
from attnbench.records import ModelRecord
from attnbench.reproduce.counting import at, count
from attnbench.reproduce.span import ROUNDING, Outcome, Span, agrees, combined, exact
from attnbench.reproduce.table_checks import cell
from attnbench.reproduce.trunk import Trunk

PX = 224


@cache
def _counted(model: str, impl: str) -> ModelRecord:
    return count(at(model, PX, impl))


def counted_params(claimed: Span, model: str) -> Outcome:
    """Counted parameters of a model, in millions."""
    return agrees(claimed, exact((_counted(model, "").params or 0) / 1e6))


def counted_gmacs(claimed: Span, model: str, impl: str = "") -> Outcome:
    """Counted GMACs of a model at 224 px; `impl` is the code inside its attention."""
    record = _counted(model, impl)
    if record.macs is None:
        raise UserError(f"model {model} could not be counted: {record.reason}")
    return agrees(claimed, exact(record.macs.products_macs / 1e9))


def trunk_gmacs(claimed: Span, size: str, attention: str, num_anchors: str = "") -> Outcome:
    """GMACs of a mechanism in DeiT's trunk with mean pooling at 224 px, in closed form."""
    anchors = int(num_anchors) if num_anchors else None
    return agrees(claimed, exact(Trunk(size=size).macs(attention, anchors) / 1e9))


def trunk_params(claimed: Span, size: str, attention: str, num_anchors: str = "") -> Outcome:
    """Millions of parameters of a mechanism in the same trunk, in closed form."""
    anchors = int(num_anchors) if num_anchors else None
    return agrees(claimed, exact(Trunk(size=size).params(attention, anchors) / 1e6))


def growth(claimed: Span, size: str, column: str, few: str, many: str, of: str = "") -> Outcome:
    """What a trunk gains from more anchors; parameters with anchors of each head, the most.

    With `of` table5, the claimed number has the digits of the difference of its two rows.
    """
    trunk, row = Trunk(size=size), f"DeiT-{size.upper()}"
    if of:
        rows = (cell(of, f"{row}/{count}", column) for count in (few, many))
        claimed = combined(lambda less, more: more - less, *rows)
    if column == "flops_G":
        gained = (trunk.macs("anchor", int(many)) - trunk.macs("anchor", int(few))) / 1e9
    else:
        gained = trunk.depth * (int(many) - int(few)) * trunk.dim / 1e6
    return agrees(claimed, exact(gained))


def cost_exponent(claimed: Span, attention: str) -> Outcome:
    """Exponent of the cost in tokens, without projections, from 4,096 to 16,384 tokens."""
    layer = create_attention(attention, 192, 3)
    small, large = (_mixing(layer, side) for side in (64, 128))
    return _exactly(claimed, log(large / small) / log(4))


def _mixing(layer: Attention, side: int) -> int:
    """MACs of a layer without its projections of every token, which its weights give."""
    projected = sum(m.weight.numel() for m in layer.modules() if isinstance(m, nn.Linear))
    return layer.macs((side, side)) - side**2 * projected


def row_sums_of_s(claimed: Span, normalised_over: str) -> Outcome:
    """Row sum of S = A Δ⁻¹ Aᵀ that is furthest from the claim, in float64.

    A is normalised over anchors, or over tokens as in eq. 13.
    """
    generator = torch.Generator().manual_seed(0)
    key = torch.randn(1, 3, 196, 64, generator=generator, dtype=torch.float64)
    anchors = torch.randn(30, 64, generator=generator, dtype=torch.float64)
    if normalised_over == "anchors":
        A = bipartite_attention(key, anchors, 64**-0.5)
    else:
        A = (key @ anchors.T * 64**-0.5).softmax(-2)
    sums = (A / A.sum(-2, keepdim=True) @ A.transpose(-2, -1)).sum(-1).flatten()
    return _exactly(claimed, float(sums[(sums - claimed.value).abs().argmax()]))


def _exactly(claimed: Span, value: float) -> Outcome:
    """Sums and powers are statements of mathematics: they hold exactly, or not."""
    return Outcome(computed=exact(value), holds=abs(value - claimed.value) <= ROUNDING)

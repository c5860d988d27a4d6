"""Measure how a trained model uses its anchors: dead ones, evenness, and effective rank.

For each layer with anchors, on held-out images, over all heads:

- dead anchors: share of anchors whose degree, summed over the images, is under 1 % of an even
  share (degrees are the column sums of A, eq. 6 of the paper);
- entropy of the degrees, as a share of log m; it is 1 if all anchors receive the same mass;
- effective rank of A: exp of the entropy of its normalised singular values (Roy and Vetterli
  2007, https://ieeexplore.ieee.org/document/7098875), the mean over images and heads; at most m.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.anchor import AnchorAttention
from attnbench.errors import UserError
from attnbench.spec import Grid

DEAD_SHARE = 0.01
"""An anchor with less than this part of an even share of the mass counts as dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorUse:
    """How one layer uses its anchors."""

    layer: str
    num_anchors: int
    heads: int
    images: int
    dead_share: float
    degree_entropy: float
    effective_rank: float


def anchor_use(
    model: nn.Module, images: Float[Tensor, "images channels height width"]
) -> list[AnchorUse]:
    """Measure the use of anchors in each layer on some images.

    Raises:
        UserError: the model has no anchor attention.
    """
    found = assignments(model, images)
    return [_use(name, one.matrix) for name, one in found.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What one layer assigned to its anchors."""

    matrix: Float[Tensor, "images heads tokens anchors"]
    """A, in float64; prefix tokens first."""
    num_prefix_tokens: int
    grid: Grid
    """(height, width) of the other tokens."""


def layers_with_anchors(model: nn.Module) -> dict[str, AnchorAttention]:
    """The layers by their names; {} for a model without learned anchors."""
    return {n: m for n, m in model.named_modules() if isinstance(m, AnchorAttention)}


def assignments(
    model: nn.Module, images: Float[Tensor, "images channels height width"]
) -> dict[str, Assignment]:
    """A of each layer with anchors, by the layer's name, in the order of the model.

    Raises:
        UserError: the model has no anchor attention.
    """
    seen: dict[str, Assignment] = {}
    layers = layers_with_anchors(model)
    if not layers:
        raise UserError(
            "expected a model with learned anchors (attention `anchor`), got one without; give a "
            "checkpoint of such a model"
        )

    def keep(name: str, layer: AnchorAttention, x: Tensor, grid: Grid) -> None:
        seen[name] = Assignment(
            matrix=layer.assignment(x).double(),
            num_prefix_tokens=layer.num_prefix_tokens,
            grid=grid,
        )

    hooks = [
        layer.register_forward_pre_hook(lambda m, args, name=name: keep(name, m, *args[:2]))
        for name, layer in layers.items()
    ]
    try:
        with torch.no_grad():
            model.eval()(images)
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def _use(name: str, assignment: Float[Tensor, "images heads tokens anchors"]) -> AnchorUse:
    images, heads, _, num_anchors = assignment.shape
    degrees = assignment.sum((0, 2))  # (heads, anchors)
    shares = degrees / degrees.sum(-1, keepdim=True)
    entropy = _entropy(shares) / log(num_anchors) if num_anchors > 1 else torch.ones(heads)
    return AnchorUse(
        layer=name,
        num_anchors=num_anchors,
        heads=heads,
        images=images,
        dead_share=float((shares < DEAD_SHARE / num_anchors).double().mean()),
        degree_entropy=float(entropy.mean()),
        effective_rank=float(effective_rank(assignment).mean()),
    )


def effective_rank(matrix: Float[Tensor, "*batch rows columns"]) -> Float[Tensor, "*batch"]:
    """The exponential of the entropy of the normalised singular values: between 1 and the rank."""
    values = torch.linalg.svdvals(matrix)
    return _entropy(values / values.sum(-1, keepdim=True)).exp()


def _entropy(shares: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch"]:
    return -torch.special.xlogy(shares, shares).sum(-1)

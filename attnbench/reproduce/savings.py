"""What anchor attention saves of a model's multiply-accumulates, and the most that could be saved.

Two bounds hold without knowing the mechanism, for an attention that replaces that of a trunk and
leaves the rest as it is:

    keys and values kept   each token still gets a key, a value and an output projection, as the
                           paper's equations say. At most the query projection and the two n²
                           products can be saved.
    attention removed      what the model takes if attention costs nothing at all.

The order of the products decides which one applies. `reference` forms keys and values, so it stays
below the first. `folded` computes the same layer without forming them, and exceeds the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch

from attnbench.models.factory import create_model
from attnbench.models.presets import DEIT
from attnbench.reproduce.trunk import PATCH, Trunk

NUM_ANCHORS = 30
"""The paper's number."""
PX = 224
SHOWN_PX = (224, 384, 512, 1024)
LARGEST_PX = 4096
"""Larger images are not tried when looking for the size that reaches a saving."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The most that an attention can save, as shares of the model's multiply-accumulates."""

    kept: float
    """With keys, values and output projections of all tokens."""
    removed: float
    """If attention costs nothing."""


def deit(size: str, side: int = PX) -> Trunk:
    """The trunk of DeiT with its class token, for images of `side` × `side` pixels."""
    return Trunk(size=size, grid=(side // PATCH, side // PATCH), num_prefix_tokens=1)


def saving(trunk: Trunk, impl: str = "reference", num_anchors: int = NUM_ANCHORS) -> float:
    """Share of the dense trunk's multiply-accumulates that anchor attention saves."""
    return 1 - trunk.macs("anchor", num_anchors, impl) / trunk.macs("dense")


def bounds(trunk: Trunk) -> Bounds:
    """Both bounds for a plain trunk."""
    dense = trunk.macs("dense")
    projections = 3 * trunk.num_tokens * trunk.dim**2  # keys, values, output
    return Bounds(
        kept=1 - trunk.macs_around(projections) / dense, removed=1 - trunk.macs_around(0) / dense
    )


def reached_at(
    share: float, size: str, impl: str = "reference", num_anchors: int = NUM_ANCHORS
) -> int | None:
    """The smallest image side, in pixels, at which DeiT with anchors saves that share.

    Sides are multiples of the patch. None if 4,096 px do not suffice.
    """
    for trunk in _growing(size):
        if saving(trunk, impl, num_anchors) >= share:
            return PATCH * trunk.grid[0]
    return None


def _growing(size: str) -> Iterator[Trunk]:
    start = deit(size)
    for cells in range(1, LARGEST_PX // PATCH + 1):
        yield replace(start, grid=(cells, cells))


@cache
def levit_bounds(width: str) -> Bounds:
    """Both bounds for timm's LeViT at 224 px, whose layers differ in queries, keys and widths.

    No order of products is known here that beats the first: its keys of 16 or 32 channels are
    narrower than 30 anchors, and an activation stands before the output projection.
    """
    from attnbench.profiling.counting.torch_count import count_by_torch

    with torch.device("meta"):
        model = create_model(f"timm-levit-{width}").eval()
        total = count_by_torch(model, (torch.empty(1, 3, PX, PX),), ()).products_macs
    layers = [m for m in model.modules() if hasattr(m, "key_attn_dim")]
    queries_and_products = sum(_levit_queries_and_products(layer) for layer in layers)
    kept_projections = sum(_levit_kept_projections(layer) for layer in layers)
    return Bounds(
        kept=queries_and_products / total,
        removed=(queries_and_products + kept_projections) / total,
    )


def _levit_queries_and_products(layer: Any) -> int:
    """MACs of the query projection, its product with the keys, and the product with the values.

    The attributes are timm's: in a shrinking layer, keys and values have their own projection.
    """
    queries, keys = layer.attention_bias_idxs.shape
    projection = queries * _joint(layer).in_features * layer.key_attn_dim
    return int(projection + queries * keys * (layer.key_attn_dim + layer.val_attn_dim))


def _levit_kept_projections(layer: Any) -> int:
    """MACs of the projections to keys and values, and of the output."""
    queries, keys = layer.attention_bias_idxs.shape
    into = keys * _joint(layer).in_features * (layer.key_attn_dim + layer.val_attn_dim)
    return int(into + queries * layer.proj.ln.linear.weight.numel())


def _joint(layer: Any) -> Any:
    """The linear layer that makes keys and values; in most layers it makes queries too."""
    return (getattr(layer, "qkv", None) or layer.kv).linear


def table() -> list[str]:
    """The lines of a Markdown table: savings and bounds by size of DeiT and of the image."""
    lines = [
        "| trunk | image | anchors | anchors, folded | keys and values kept | attention removed |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for size in DEIT:
        for side in SHOWN_PX:
            trunk, most = deit(size, side), bounds(deit(size, side))
            shares = saving(trunk), saving(trunk, "folded"), most.kept, most.removed
            cells = " | ".join(f"{100 * share:.1f} %" for share in shares)
            lines.append(f"| DeiT-{size.upper()} | {side} px | {cells} |")
    return lines

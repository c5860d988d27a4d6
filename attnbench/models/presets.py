"""The sizes of the named models and their sources. Loads no torch."""

from __future__ import annotations

from typing import Any

DEIT: dict[str, dict[str, Any]] = {
    "t": {"dim": 192, "depth": 12, "num_heads": 3},
    "s": {"dim": 384, "depth": 12, "num_heads": 6},
    "b": {"dim": 768, "depth": 12, "num_heads": 12},
}
"""DeiT (https://arxiv.org/abs/2012.12877), table 1; patch 16, MLP ratio 4."""

PYRAMID: dict[str, dict[str, Any]] = {
    "t": {"dims": (32, 64, 160, 256), "depths": (1, 4, 6, 2)},
    "s": {"dims": (64, 128, 320, 512), "depths": (2, 2, 6, 3)},
    "b": {"dims": (96, 192, 480, 768), "depths": (1, 3, 12, 4)},
}
"""Fitted, not published: AnchorFormer prints budgets (4.2 M / 0.7 G, 18.6 M / 2.7 G,
63.5 M / 9.2 G; its table 1) but no layer table. Widths are base × (1, 2, 5, 8) as in PVT, head
width is 32, MLP ratio 4. The depths meet the budgets with 30 anchors at 224 px."""

_RATIOS_S = ((0.875, 0.5, 0.5), (0.5, 0.625, 0.5, 0.625, 0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_RATIOS_ML = ((0.875, 0.5, 1.0), (0.625, 0.5, 0.75, 0.625, 0.625, 0.5, 0.625), (1.0, 0.625, 0.75))
ESNET: dict[str, dict[str, Any]] = {
    "s": {"scale": 0.75, "ratios": _RATIOS_S},
    "m": {"scale": 1.0, "ratios": _RATIOS_ML},
    "l": {"scale": 1.25, "ratios": _RATIOS_ML},
}
"""PicoDet (https://arxiv.org/abs/2111.00902) and the published sizes of its models."""

PICODET: dict[str, dict[str, Any]] = {
    "s": {"backbone": "esnet-s", "neck_dim": 96, "depth": 2},
    "m": {"backbone": "esnet-m", "neck_dim": 128, "depth": 4},
    "l": {"backbone": "esnet-l", "neck_dim": 160, "depth": 4},
}
ANCHOR_DETECTORS: dict[str, dict[str, Any]] = {
    "t": {**PICODET["s"], "backbone_options": {"attention_dim": 384, "attention_depth": 1}},
    "s": {**PICODET["s"], "backbone_options": {
        "attention_dim": 384, "attention_depth": 4, "mlp_ratio": 2.0}},
    "b": {**PICODET["m"], "backbone_options": {"attention_dim": 384, "attention_depth": 4}},
}  # fmt: skip
"""Fitted, not published: with 30 anchors at 320 px they meet the budgets of table 2 (2.9 M / 1.1 G,
5.5 M / 1.7 G, 8.6 M / 2.8 G), read as two operations for each multiply-add."""

SEGMENTERS: dict[str, dict[str, Any]] = {
    "t": {"head": "semantic-fpn", "head_width": 32},
    "s": {"head": "semantic-fpn", "head_width": 64},
    "b": {"head": "semantic-fpn", "head_width": 128},
}
"""Semantic-FPN's published width is 128, several times as costly as a small backbone;
"semantic-fpn:anchorformer-t" is the small one with the published head."""

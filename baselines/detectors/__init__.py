"""The table of other people's detectors. Loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attnbench.registry import Entry


def _row(name: str, target: str, summary: str, source: Mapping[str, str], **options: Any) -> Entry:
    return Entry(
        kind="model", name=name, target=f"baselines.detectors.{target}", family="convolution",
        summary=summary, task="detection", options=options, **source,
    )  # fmt: skip


_YOLOX = {"paper": "Ge et al. 2021, YOLOX", "link": "https://arxiv.org/abs/2107.08430"}

_YOLO = (
    _row("yolox-nano", "yolo.yolox:create_yolox", "YOLO without anchors, separable convolutions",
         _YOLOX, width=0.25, separable=True),
    _row("yolox-tiny", "yolo.yolox:create_yolox", "YOLO without anchors", _YOLOX, width=0.375),
    _row("yolox-s", "yolo.yolox:create_yolox", "YOLO without anchors", _YOLOX, width=0.5),
    *(
        _row(f"yolov5-{size}", "yolo.yolov5:create_yolov5", "rebuilt from published layer tables",
             {"paper": "Jocher 2020, YOLOv5, version 6"}, width=width)
        for size, width in (("n", 0.25), ("s", 0.5))
    ),
)  # fmt: skip

DETECTORS: tuple[Entry, ...] = (*_YOLO,)

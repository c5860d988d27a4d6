"""The table of other people's detectors. Loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attnbench.registry import Entry


def _row(name: str, target: str, summary: str, source: Mapping[str, str], **options: Any) -> Entry:
    return Entry(
        kind="model", name=name, target=f"baselines.detectors.{target}", family="convolution",
        summary=summary, task="detection", options=options, paper=source["paper"],
        link=source.get("link", ""),
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

_SSDLITE = {"paper": "Sandler et al. 2018, MobileNetV2", "link": "https://arxiv.org/abs/1801.04381"}

_SSD = (
    _row("ssdlite-mobilenetv2", "ssdlite.model:create_ssdlite_v2",
         "SSDLite of torchvision's parts, three anchors on the finest map", _SSDLITE),
    _row("ssdlite-mobilenetv3", "controls:create_ssdlite_v3",
         "torchvision's ssdlite320_mobilenet_v3_large", {
             "paper": "Howard et al. 2019, MobileNetV3",
             "link": "https://arxiv.org/abs/1905.02244"}),
    _row("mobiledet-cpu", "ssdlite.model:create_mobiledet", "SSDLite over the searched trunk", {
        "paper": "Xiong et al. 2021, MobileDets", "link": "https://arxiv.org/abs/2004.14525"}),
)  # fmt: skip

_CONTROLS = (
    _row("fcos-r50", "controls:create_fcos", "torchvision's fcos_resnet50_fpn", {
        "paper": "Tian et al. 2019, FCOS", "link": "https://arxiv.org/abs/1904.01355"}),
    _row("retinanet-r50", "controls:create_retinanet", "torchvision's retinanet_resnet50_fpn", {
        "paper": "Lin et al. 2017, RetinaNet", "link": "https://arxiv.org/abs/1708.02002"}),
)  # fmt: skip

_EFFICIENT = tuple(
    _row(
        f"efficientdet-d{size}", "efficientdet:create_efficientdet",
        f"effdet's tf_efficientdet_d{size}; needs the extra effdet",
        {"paper": "Tan et al. 2020, EfficientDet", "link": "https://arxiv.org/abs/1911.09070"},
        effdet_name=f"tf_efficientdet_d{size}",
    )
    for size in (0, 1, 2)
)  # fmt: skip

DETECTORS: tuple[Entry, ...] = (*_YOLO, *_SSD, *_CONTROLS, *_EFFICIENT)

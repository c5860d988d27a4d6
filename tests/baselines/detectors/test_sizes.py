"""Parameters and products of other people's detectors, to the last digit."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from attnbench.models.factory import create_model


@pytest.mark.parametrize(
    ("name", "classes", "pixels", "params", "giga_macs"),
    [
        ("yolox-nano", 80, 416, 912_159, 0.523),
        ("yolox-tiny", 80, 416, 5_055_855, 3.206),
        ("yolox-s", 80, 640, 8_968_255, 13.343),
        ("yolov5-n", 80, 640, 1_872_157, 2.234),
        ("yolov5-s", 80, 640, 7_235_389, 8.217),
        ("ssdlite-mobilenetv2", 80, 320, 4_337_013, 0.789),
        ("ssdlite-mobilenetv3", 80, 320, 3_301_460, 0.563),
        ("mobiledet-cpu", 80, 320, 4_084_805, 0.442),
        ("fcos-r50", 91, 800, 32_322_720, 128.207),
        ("retinanet-r50", 91, 800, 34_068_119, 151.540),
        ("efficientdet-d0", 90, 512, 3_880_067, 2.492),
        ("efficientdet-d1", 90, 640, 6_625_898, 6.003),
        ("efficientdet-d2", 90, 768, 8_097_039, 10.832),
    ],
)
def test_sizes_are_exact(name, classes, pixels, params, giga_macs):
    if name.startswith("efficientdet"):
        pytest.importorskip("effdet")
    with torch.device("meta"):
        model = create_model(name, classes, pixels).eval()
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        model(torch.empty(1, 3, pixels, pixels, device="meta"))
    assert sum(p.numel() for p in model.parameters()) == params
    assert counted.get_total_flops() / 2e9 == pytest.approx(giga_macs, abs=6e-4)

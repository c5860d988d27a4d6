"""FCOS and RetinaNet over ResNet-50 with a feature pyramid, and SSDLite, as torchvision has them.

https://github.com/pytorch/vision (BSD-3-Clause).
"""

from __future__ import annotations

from torchvision.models import detection

from baselines.detectors.torchvision_adapter import NO_WEIGHTS, Fcos, RetinaNet, Ssd


def create_fcos(num_classes: int = 80, img_size: int | tuple[int, int] = 800) -> Fcos:
    """Build FCOS with fresh weights; it takes pictures of any size."""
    return Fcos(detection.fcos_resnet50_fpn(**NO_WEIGHTS, num_classes=num_classes))


def create_retinanet(num_classes: int = 80, img_size: int | tuple[int, int] = 800) -> RetinaNet:
    """Build RetinaNet with fresh weights; it takes pictures of any size."""
    return RetinaNet(detection.retinanet_resnet50_fpn(**NO_WEIGHTS, num_classes=num_classes))


def create_ssdlite_v3(num_classes: int = 80, img_size: int | tuple[int, int] = 320) -> Ssd:
    """Build SSDLite over MobileNetV3-Large with fresh weights; it takes pictures of any size.

    Its classes are one more than `num_classes`, for the background.
    """
    return Ssd(detection.ssdlite320_mobilenet_v3_large(**NO_WEIGHTS, num_classes=num_classes + 1))

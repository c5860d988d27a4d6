"""SSDLite over a trunk (Sandler et al. 2018, arXiv 1801.04381, section 6.2)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from torch import Tensor, nn
from torchvision.models import mobilenet_v2
from torchvision.models.detection.ssd import SSD
from torchvision.models.detection.ssdlite import SSDLiteHead
from torchvision.ops import Conv2dNormActivation

from baselines.detectors.ssdlite.anchors import GridAnchors
from baselines.detectors.ssdlite.mobiledet import mobiledet_cpu
from baselines.detectors.torchvision_adapter import Ssd

EXTRA = (512, 256, 256, 128)
"""Channels of the further maps."""
NORM = partial(nn.BatchNorm2d, eps=1e-3, momentum=0.03)
STD = 0.03
"""Of fresh weights of convolutions."""
SIDE = 320
LEAST_SCORE = 0.001
OVERLAP = 0.55
EXPANDED = 14
"""The block of MobileNetV2 whose expansion is the finest map."""


class SSDTrunk(nn.Module):
    """Two maps of a trunk and four further ones, each of half the size."""

    def __init__(self, fine: nn.Module, coarse: nn.Module, channels: Sequence[int]) -> None:
        """Build it.

        Args:
            fine: from pictures to the map of stride 16.
            coarse: from there to the map of stride 32.
            channels: of both maps.
        """
        super().__init__()
        widths = [channels[1], *EXTRA]
        self.fine, self.coarse = fine, coarse
        self.extra = nn.ModuleList(_halved(*pair) for pair in pairwise(widths))
        self.channels = [*channels, *EXTRA]
        self.apply(_init)

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """The maps by number, finest first."""
        maps = [self.fine(images)]
        for layer in (self.coarse, *self.extra):
            maps.append(layer(maps[-1]))
        return OrderedDict((str(number), one) for number, one in enumerate(maps))


def _halved(in_channels: int, channels: int) -> nn.Sequential:
    """1 × 1 to half of the channels, depthwise 3 × 3 of stride 2, 1 × 1."""
    half = channels // 2
    layer = partial(Conv2dNormActivation, norm_layer=NORM, activation_layer=nn.ReLU6)
    return nn.Sequential(
        layer(in_channels, half, 1), layer(half, half, 3, 2, groups=half), layer(half, channels, 1)
    )


def _init(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, std=STD)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _ssdlite(trunk: SSDTrunk, num_classes: int) -> Ssd:
    anchors = GridAnchors(len(trunk.channels))
    numbers = anchors.num_anchors_per_location()
    head = SSDLiteHead(trunk.channels, numbers, num_classes + 1, NORM)
    return Ssd(
        SSD(
            trunk, anchors, (SIDE, SIDE), num_classes + 1, head=head, score_thresh=LEAST_SCORE,
            nms_thresh=OVERLAP,
        )
    )  # fmt: skip


def create_ssdlite_v2(num_classes: int = 80, img_size: int | tuple[int, int] = SIDE) -> Ssd:
    """Build SSDLite over MobileNetV2 with fresh weights; it takes pictures of any size.

    The head has one class more than `num_classes`, for the background.
    """
    blocks = mobilenet_v2(weights=None, norm_layer=NORM).features
    inner = blocks[EXPANDED].conv
    fine = nn.Sequential(*blocks[:EXPANDED], inner[0])
    coarse = nn.Sequential(*inner[1:], *blocks[EXPANDED + 1 :])
    channels = (inner[0].out_channels, blocks[-1].out_channels)
    return _ssdlite(SSDTrunk(fine, coarse, channels), num_classes)


def create_mobiledet(num_classes: int = 80, img_size: int | tuple[int, int] = SIDE) -> Ssd:
    """Build SSDLite over MobileDet-CPU with fresh weights; it takes pictures of any size.

    The head has one class more than `num_classes`, for the background.
    """
    return _ssdlite(SSDTrunk(*mobiledet_cpu(NORM)), num_classes)

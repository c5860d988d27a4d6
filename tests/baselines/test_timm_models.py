"""The baselines come in through the entry point, and have their published sizes."""

import pytest
import torch

import baselines
from attnbench.models.factory import create_model
from attnbench.profiling.macs import count_macs
from attnbench.registry import MODELS


def test_every_baseline_is_registered_by_its_entry_point():
    assert {entry.name for entry in baselines.ENTRIES} <= set(MODELS.names())


@pytest.mark.parametrize(
    ("name", "params", "giga_macs"),
    # timm 1.0.31, fused attention on, matrix products and convolutions.
    [("timm-deit-t", 5.717, 1.254), ("timm-deit-s", 22.051, 4.599), ("timm-swin-t", 28.288, 4.491),
     ("timm-pvt-v2-b0", 3.667, 0.566), ("timm-pvt-v2-b2", 25.363, 4.027)],
)  # fmt: skip
def test_sizes_with_fused_attention_on(name, params, giga_macs):
    with torch.device("meta"):
        model, images = create_model(name).eval(), torch.empty(1, 3, 224, 224)
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(params, abs=6e-4)
    assert count_macs(model, (images,)).products_macs / 1e9 == pytest.approx(giga_macs, abs=6e-4)


def test_takes_the_image_size_and_the_number_of_classes():
    for name in ("timm-deit-t", "timm-pvt-v2-b0"):
        assert create_model(name, 7, 64)(torch.randn(2, 3, 64, 64)).shape == (2, 7)

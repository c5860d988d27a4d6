"""timm's models are registered, have the known sizes, and load weights on request."""

import pytest
import timm
import torch
from model_counts import size_by_torch

import baselines
from attnbench.errors import UserError
from attnbench.models.factory import create_model
from attnbench.profiling.counting.macs import count_macs
from attnbench.registry import ATTENTIONS, MODELS


def test_every_baseline_is_registered_by_its_entry_point():
    known = {*MODELS.names(), *ATTENTIONS.names()}
    assert {entry.name for entry in baselines.ENTRIES} <= known


@pytest.mark.parametrize(
    ("name", "params", "giga_macs"),
    # timm 1.0.31, fused attention on, matrix products and convolutions.
    [("timm-deit-t", 5.717, 1.254), ("timm-deit-s", 22.051, 4.599), ("timm-swin-t", 28.288, 4.491),
     ("timm-pvt-v2-b0", 3.667, 0.566), ("timm-pvt-v2-b2", 25.363, 4.027)],
)  # fmt: skip
def test_sizes_with_fused_attention_on(name, params, giga_macs):
    found, macs = size_by_torch(create_model, name)
    assert (found / 1e6, macs) == pytest.approx((params, giga_macs), abs=6e-4)


@pytest.mark.parametrize(
    ("timm_name", "giga_macs"),
    # timm 1.0.31, fused attention on, counted apart from this project: products, convolutions.
    [("deit_base_distilled_patch16_224", 17.6568), ("swin_tiny_patch4_window7_224", 4.4906),
     ("pvt_v2_b1", 2.1084), ("pvt_v2_b2_li", 3.8889), ("levit_128s", 0.3047),
     ("efficientnet_b0", 0.3858), ("mvitv2_tiny", 4.6770)],
)  # fmt: skip
def test_both_counters_give_the_known_macs_of_every_family(timm_name, giga_macs):
    assert timm.layers.use_fused_attn()
    with torch.device("meta"):
        model = timm.create_model(timm_name).eval()
        images = torch.empty(2, 3, 224, 224)
    macs = count_macs(model, (images,))  # raises where the two counters disagree
    assert macs.products_macs / 2e9 == pytest.approx(giga_macs, rel=1e-3)
    assert macs.training_macs == 3 * macs.products_macs


def test_takes_the_image_size_and_the_number_of_classes():
    for name in ("timm-deit-t", "timm-pvt-v2-b0", "timm-efficientnet-b0"):
        assert create_model(name, 7, 64)(torch.randn(2, 3, 64, 64)).shape == (2, 7)


def test_every_name_is_one_of_timm_s_with_weights():
    named = {s.options["timm_name"] for s in baselines.SYSTEMS if s.pretrained}
    assert len(named) == 28
    assert named <= set(timm.list_models(pretrained=True))


def test_no_weights_are_fetched_unless_asked_for(monkeypatch):
    asked = []
    build = timm.create_model

    def spy(name, *, pretrained, **options):
        asked.append(pretrained)
        return build(name, pretrained=False, **options)

    monkeypatch.setattr(timm, "create_model", spy)
    create_model("timm-deit-t", 10, 32)
    create_model("timm-deit-t", 10, 32, pretrained=True)
    assert asked == [False, False, False, True]  # each size was tried without weights first


def test_offline_is_one_clear_line(monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=r"deit_tiny_patch16_224.fb_in1k.*leave pretrained=True"):
        create_model("timm-deit-t", pretrained=True)


def test_weights_that_do_not_fit_are_one_clear_line(monkeypatch):
    build = timm.create_model

    def refuse(name, *, pretrained, **options):
        if pretrained:
            raise RuntimeError("size mismatch for blocks.0\nand so on")
        return build(name, pretrained=False, **options)

    monkeypatch.setattr(timm, "create_model", refuse)
    with pytest.raises(
        UserError, match=r"do not fit a model for 64 px: size mismatch for blocks.0;"
    ):
        create_model("timm-levit-128", 10, 64, pretrained=True)

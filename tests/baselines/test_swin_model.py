"""Swin from the suite's window attention gives timm's outputs on timm's weights."""

import pytest
import timm
import torch

from attnbench.models.factory import create_model
from attnbench.reproduce.counting import at, count


@pytest.mark.slow
def test_equals_timm_on_copied_weights():
    theirs = timm.create_model("swin_tiny_patch4_window7_224").eval()
    for parameter in theirs.parameters():  # away from where fresh biases are zero
        parameter.data.add_(torch.randn_like(parameter), alpha=0.05)
    ours = create_model("swin-t").eval()
    weights = {key.replace("head.fc", "head"): value for key, value in theirs.state_dict().items()}
    ours.load_state_dict(weights)
    images = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        torch.testing.assert_close(ours(images), theirs(images), atol=1e-4, rtol=1e-4)


@pytest.mark.usefixtures("counted_by_torch")
def test_is_counted_like_timm_s():
    ours, theirs = (count(at(name, 224)) for name in ("swin-t", "timm-swin-t"))
    assert ours.status == "ok", ours.reason
    assert ours.params == theirs.params
    assert ours.macs.products_macs == theirs.macs.products_macs


def test_an_image_of_any_size_is_filled_up():
    model = create_model("swin-t", 5)
    logits = model(torch.randn(2, 3, 50, 37))
    logits.sum().backward()
    assert logits.shape == (2, 5)
    assert all(parameter.grad is not None for parameter in model.parameters())

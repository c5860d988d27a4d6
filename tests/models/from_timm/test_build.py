"""timm's models by name are built for the given image size, without published weights."""

import pytest
import timm
import torch

from attnbench.benchmark.grid import model_workloads
from attnbench.benchmark.runner import profile
from attnbench.benchmark.subject import subject_of
from attnbench.errors import UserError
from attnbench.models.factory import create_model
from attnbench.spec import ModelWorkload, Protocol


@pytest.mark.parametrize(
    ("name", "img_size"),
    [
        ("resnet18", 64),  # takes no img_size
        ("hrnet_w18_small", 64),  # takes none either, and says so in other words
        ("test_vit", (64, 96)),
        ("deit_tiny_distilled_patch16_224", 32),
        ("levit_128s", 64),
    ],
)
def test_takes_classes_and_size(name, img_size):
    model = create_model(f"timm:{name}", 7, img_size).eval()
    sides = (img_size, img_size) if isinstance(img_size, int) else img_size
    assert model(torch.randn(2, 3, *sides)).shape == (2, 7)


def test_weights_are_never_asked_for(monkeypatch):
    asked = []
    build = timm.create_model

    def spy(name, *, pretrained, **options):
        asked.append(pretrained)
        return build(name, pretrained=False, **options)

    monkeypatch.setattr(timm, "create_model", spy)
    create_model("timm:test_resnet.r160_in1k", 10, 32)
    create_model("timm:test_resnet.r160_in1k", 0, 32)
    assert set(asked) == {False}
    with pytest.raises(UserError, match="has no option pretrained; it has: none"):
        create_model("timm:test_resnet", 10, 32, pretrained=True)


@pytest.mark.parametrize(
    ("name", "size", "own"),
    [("efficientformer_l1", 256, 224), ("test_vit", 50, 160), ("crossvit_tiny_240", 272, 240)],
)
def test_an_unfit_size_is_refused_with_the_model_s_own(name, size, own):
    says = rf"timm:{name} does not work on images of {size} × {size} px \(.+\); .* {own} × {own}"
    with pytest.raises(UserError, match=says):
        create_model(f"timm:{name}", 10, size)


def test_is_profiled_by_name():
    (record,) = profile(
        [
            ModelWorkload(
                model="timm:test_vit", attention="", img_size=(64, 64), num_classes=7, batch=2
            )
        ],
        Protocol(time_budget_s=0.05),
    )
    assert (record.status, record.reason, record.notes) == ("ok", "", ())
    model = create_model("timm:test_vit", 7, 64)
    assert record.params == sum(parameter.numel() for parameter in model.parameters())
    assert record.macs.training_macs > 2 * record.macs.products_macs > 0
    assert record.latency.median_s > 0
    assert record.environment.code  # of the builder and of timm's version


def test_is_trained_by_name_as_it_is_measured():
    (workload,) = model_workloads(["timm:test_vit"], [(32, 32)], num_classes=7)
    assert workload.attention == ""
    assert subject_of(workload).build()(torch.randn(2, 3, 32, 32)).shape == (2, 7)

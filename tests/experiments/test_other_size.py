"""Trained models on images of other sizes."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from attnbench.data.images import ImagesInMemory
from attnbench.errors import UserError
from attnbench.experiments.judge import judge
from attnbench.experiments.other_size import fit_to
from attnbench.experiments.run import run
from attnbench.models.vit import VisionTransformer
from attnbench.training.checkpoint import load


def small(attention="dense"):
    return VisionTransformer(
        7, 32, attention=attention, patch_size=8, dim=16, depth=1, num_heads=2
    ).eval()


def test_a_judgement_at_another_size_says_so(experiment, costs, data, tmp_path):
    record = run(experiment(options={"attention": "window"}))
    checkpoint = load(tmp_path / record.run / "last.pt")
    images = data.val.images.repeat_interleave(2, dim=2)
    larger = replace(data, img_size=(32, 16), val=ImagesInMemory(images, data.val.labels))
    judged = judge(checkpoint, larger, run_name="a-run")
    assert judged.workload == replace(record.workload, img_size=(32, 16))
    assert judged.recipe == record.recipe
    assert judged.params == sum(p.numel() for p in costs[-1].parameters())
    assert judged.scores.scored_on == f"{data.name} val at 32 × 16 px"
    assert f"scored on {data.name} val at 32 × 16 px, trained at 16 × 16 px" in judged.notes


@pytest.mark.parametrize("size", [(16, 16), (40, 8), (64, 64)])
def test_positions_fit_other_sizes(size):
    model = small()
    fit_to(model, size, (32, 32))
    assert model(torch.zeros(1, 3, *size)).shape == (1, 7)


def test_timms_models_are_told_of_the_size():
    import timm

    model = timm.create_model("test_vit", img_size=32, num_classes=7).eval()
    fit_to(model, (48, 48), (32, 32))
    assert model(torch.zeros(1, 3, 48, 48)).shape == (1, 7)


class OneSize(nn.Module):
    """Its table has a row for each pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3 * 32 * 32, 7)

    def forward(self, images):
        return self.head(images.flatten(1))


@pytest.mark.parametrize("model", [small(), OneSize()], ids=["a patch", "a table"])
def test_a_size_that_a_model_does_not_take_is_refused_in_a_line(model):
    with pytest.raises(
        UserError,
        match=r"^--img-size 33x17: expected images that the model takes, such as those of "
        r"32 × 32 px that it was trained on, got 33 × 17 px \(.*\); leave this size out$",
    ):
        fit_to(model, (33, 17), (32, 32))

"""A step reads no number from the device but its loss, which a GPU reads every twentieth step."""

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from attnbench.tasks.factory import create_task
from attnbench.training.loop import train
from attnbench.training.recipe import recipe_for
from attnbench.training.step import Stepper

READING = torch.ops.aten._local_scalar_dense.default


class Readings(TorchDispatchMode):
    """Counts how often a number is read from a tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func is READING
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"autocast": "float16"},
        {"autocast": "float16", "clip_grad": 0.0, "accumulate": 3},
        {
            "ema_decay": 0.9, "accumulate": 2, "mixup": 0.8, "erasing": 0.5,
            "distillation": "soft", "teacher": "timm:resnet18",
        },
    ],
)  # fmt: skip
def test_no_step_waits_for_the_device(data, make_model, monkeypatch, settings) -> None:
    recipe = recipe_for(data, epochs=1, batch_size=8, **settings)
    readings, plain = [], Stepper.step

    def watched(stepper, *given) -> None:
        with Readings() as of_step:
            plain(stepper, *given)
        readings.append(of_step.count)

    monkeypatch.setattr(Stepper, "step", watched)
    teacher = nn.Sequential(nn.Flatten(), nn.Linear(3 * 81, 7)).eval()
    train(
        make_model(), data, create_task("classification"), recipe, device="cpu",
        teacher=teacher if settings.get("teacher") else None,
    )  # fmt: skip
    assert readings == [1] * 7  # the losses

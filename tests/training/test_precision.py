"""Training in sixteen bits and in TF32: what is computed, skipped, restored and refused."""

import copy
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from attnbench.errors import UserError
from attnbench.training.loop import train
from attnbench.training.precision import loss_scaler, tf32_products
from attnbench.training.recipe import recipe_for
from attnbench.training.weights import fill_scaler


class Steep(nn.Module):
    """Its gradients overflow in float16 until the loss is scaled by little."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.head = nn.Linear(3 * 81, 7)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(images.flatten(1)) * 100


class StopError(Exception):
    pass


@pytest.fixture
def recipe(data):
    return recipe_for(data, epochs=2, batch_size=8, crop_padding=0, autocast="float16")


@pytest.mark.parametrize("autocast", ["bfloat16", "float16"])
def test_sixteen_bits_learn_as_float32_does(data, task, make_model, recipe, autocast) -> None:
    losses = {}
    for name in ("none", autocast):
        told = []
        train(
            make_model(), data, task, replace(recipe, autocast=name, ema_decay=0.9), device="cpu",
            on_epoch=lambda progress, *_, told=told: told.append(progress),
        )  # fmt: skip
        losses[name] = [progress.train_loss for progress in told]
        assert told[-1].skipped_steps <= (3 if name == "float16" else 0)  # until the scale fits
    assert losses[autocast] != losses["none"]
    assert losses[autocast] == pytest.approx(losses["none"], rel=0.05)


@pytest.mark.parametrize("clip_grad", [0.0, 1.0])
def test_a_step_that_overflows_is_skipped_counted_and_told(data, task, recipe, clip_grad) -> None:
    told, weights, steps = [], [Steep().head.weight.detach().clone()], []
    model = Steep()

    def see(step) -> None:
        steps.append(step)
        weights.append(model.head.weight.detach().clone())

    settings = replace(recipe, clip_grad=clip_grad)
    train(
        model, data, task, settings, device="cpu", on_step=see,
        on_epoch=lambda progress, *_: told.append(progress.skipped_steps),
    )  # fmt: skip
    still = [torch.equal(a, b) for a, b in pairwise(weights)]
    assert still[0]
    assert 0 < told[0] <= told[1] < len(steps)
    assert told[1] == sum(still)


def test_a_resumed_run_scales_as_one_that_never_stopped(data, task, recipe) -> None:
    ends = []

    def stop(state_now) -> None:
        states.append(copy.deepcopy(state_now()))
        if len(states) == 3:
            raise StopError

    states: list = []
    with suppress(StopError):
        train(Steep(), data, task, recipe, device="cpu", on_pause=stop)
    for state, seed in ((None, 0), (states[-1], 9)):
        told = []
        end = train(
            Steep(seed), data, task, recipe, device="cpu", state=state,
            on_epoch=lambda progress, *_, told=told: told.append(progress.skipped_steps),
        )  # fmt: skip
        ends.append((told, end.scaler, {name: value.tolist() for name, value in end.model.items()}))
    assert states[-1].scaler["scale"] < 2**16  # it had changed by then
    assert ends[0] == ends[1]


@pytest.mark.parametrize("damage", [{}, {"scale": float("nan")}, {"growth_interval": 2.5}])
def test_a_scale_that_is_none_is_refused(recipe, damage) -> None:
    scaler = loss_scaler(recipe, torch.device("cpu"))
    state = {**scaler.state_dict(), **damage} if damage else {}
    with pytest.raises(UserError, match="scale of the loss is missing or damaged"):
        fill_scaler(scaler, state)


def test_an_operation_that_torch_lacks_is_named(data, task, recipe) -> None:
    class Lacks(Steep):
        def forward(self, images: Tensor) -> Tensor:
            raise RuntimeError("\"histc\" not implemented for 'Half'")

    with pytest.raises(UserError, match=r"--autocast float16: .* on cpu \(\"histc\" not impl"):
        train(Lacks(), data, task, recipe, device="cpu")


def test_tf32_is_for_gpus_and_put_back(data, task, recipe) -> None:
    recipe = replace(recipe, autocast="none", tf32=True)
    with pytest.raises(UserError, match="--tf32 expects a CUDA device, got cpu"):
        train(Steep(), data, task, recipe, device="cpu")
    before = torch.backends.cuda.matmul.fp32_precision
    with suppress(StopError), tf32_products(recipe):
        assert torch.backends.cuda.matmul.fp32_precision == "tf32"
        raise StopError
    assert torch.backends.cuda.matmul.fp32_precision == before

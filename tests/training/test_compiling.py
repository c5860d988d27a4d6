"""Training through torch.compile: the same values and names, and a line where it fails."""

import copy
from contextlib import suppress
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from attnbench.errors import UserError
from attnbench.training.compiling import COMPILER, compiled
from attnbench.training.loop import train
from attnbench.training.recipe import recipe_for


class Whole(nn.Module):
    """Blocks whose branches may be dropped, an own loss, and DeiT's two heads."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.auxiliary_losses: list[Tensor] | None = None
        self.embed = nn.Linear(3 * 81, 8)
        self.norm = nn.BatchNorm1d(8)
        self.blocks = nn.ModuleList(
            nn.ModuleDict({"attn": nn.Linear(8, 8), "mlp": nn.GELU()}) for _ in range(2)
        )
        self.head, self.head_dist = nn.Linear(8, 7), nn.Linear(8, 7)

    def forward(self, images: Tensor) -> Tensor:
        hidden = self.norm(self.embed(images.flatten(1)))
        for block in self.blocks:
            hidden = hidden + block["mlp"](block["attn"](hidden))
        if self.auxiliary_losses is not None:
            self.auxiliary_losses.append(hidden.square().mean())
        return (self.head(hidden) + self.head_dist(hidden)) / 2


class StopError(Exception):
    pass


@pytest.fixture
def recipe(data):
    return recipe_for(
        data, epochs=2, batch_size=27, crop_padding=2, mixup=0.8, ema_decay=0.9,
        distillation="hard", teacher="timm:resnet18",
    )  # fmt: skip


@pytest.fixture
def teacher() -> nn.Module:
    torch.manual_seed(5)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 81, 7)).eval()


def test_a_compiled_run_is_the_plain_one_and_resumes_as_one(data, task, recipe, teacher) -> None:
    given = {"device": "cpu", "teacher": teacher}
    told, states = [], []
    plain = train(Whole(), data, task, recipe, **given)

    def stop(state_now) -> None:
        states.append(copy.deepcopy(state_now()))
        if len(states) == 1:
            raise StopError

    model = Whole()
    with suppress(StopError):
        train(model, data, task, recipe, **given, compiler="eager", on_pause=stop)
    assert model._compiled_call_impl is None
    for compiler in ("", "eager"):
        end = train(
            Whole(seed=9), data, task, recipe, **given, compiler=compiler,
            state=copy.deepcopy(states[-1]),
            on_epoch=lambda progress, *_: told.append(progress.compiler),
        )  # fmt: skip
        for one, other in ((end.model, plain.model), (end.average, plain.average)):
            assert one.keys() == other.keys() == Whole().state_dict().keys()
            for name, value in other.items():
                torch.testing.assert_close(one[name], value, rtol=0, atol=1e-4)
    assert told == ["", "", "eager", "eager"]


def test_a_model_that_cannot_be_compiled_is_named(data, task, recipe) -> None:
    def fails(graph, inputs):
        raise ValueError("no such kernel\nand more")

    torch._dynamo.register_backend(fails, name="fails")
    plain = replace(recipe, distillation="none", teacher="")
    with pytest.raises(
        UserError, match=r"^--compile: Whole cannot be compiled with fails \(.*no"
    ) as told:
        train(Whole(), data, task, plain, device="cpu", compiler="fails")
    assert "\n" not in str(told.value)
    with pytest.raises(UserError, match="--compile and --recompute exclude each other"):
        train(Whole(), data, task, replace(plain, recompute=True), device="cpu", compiler="fails")


@pytest.mark.slow
def test_torchs_own_compiler_gives_the_same_gradients() -> None:
    torch.manual_seed(0)
    values = torch.randn(3, 5)
    model = nn.Sequential(nn.Linear(5, 3), nn.GELU())
    gradients = []
    for backend in ("", COMPILER):
        model.zero_grad()
        with compiled([model], backend):
            model(values).square().mean().backward()
        gradients.append(model[0].weight.grad.clone())
    torch.testing.assert_close(*gradients)

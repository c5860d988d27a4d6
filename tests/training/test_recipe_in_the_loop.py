"""A whole recipe in the loop: exact resume, the same batches for all models, what is scored."""

import copy
from contextlib import suppress
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from attnbench.errors import UserError
from attnbench.training.evaluate import evaluate
from attnbench.training.loop import train
from attnbench.training.losses import Losses
from attnbench.training.recipe import recipe_for


class Blocks(nn.Module):
    """Two residual blocks with dropout, and DeiT's two heads; the seed changes the weights."""

    def __init__(self, seed: int = 0, dropout: float = 0.2) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.seen: list[Tensor] = []
        self.embed = nn.Linear(3 * 81, 8)
        self.blocks = nn.ModuleList(
            nn.ModuleDict({"attn": nn.Linear(8, 8), "mlp": nn.Dropout(dropout)}) for _ in range(2)
        )
        self.head, self.head_dist = nn.Linear(8, 7), nn.Linear(8, 7)

    def forward(self, images: Tensor) -> Tensor:
        if self.training:
            self.seen.append(images.clone())
        hidden = self.embed(images.flatten(1))
        for block in self.blocks:
            hidden = hidden + block["mlp"](block["attn"](hidden))
        return (self.head(hidden) + self.head_dist(hidden)) / 2


@pytest.fixture
def recipe(data, monkeypatch):
    """Every setting that draws random numbers or has a state."""
    monkeypatch.setattr("attnbench.data.augmented.MOST_WORKERS", 0)
    return recipe_for(
        data, epochs=2, batch_size=16, crop_padding=2, crop_scale=(0.3, 1.0),
        rand_augment="rand-m9-mstd0.5-inc1", mixup=0.8, cutmix=1.0, erasing=0.3, repeats=2,
        drop_path=0.3, min_lr=1e-4, ema_decay=0.9, accumulate=2, distillation="hard",
        teacher="timm:resnet18",
    )  # fmt: skip


@pytest.fixture
def teacher() -> nn.Module:
    torch.manual_seed(5)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 81, 7)).eval()


class StopError(Exception):
    """Raised where a run is to stop."""


def same(one, other) -> bool:
    """Whether two states hold the same bits."""
    if isinstance(one, Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    return one == other


@pytest.mark.parametrize("pause", [1, 3, 7])
def test_a_run_that_stops_anywhere_ends_with_the_same_bits(
    data, task, recipe, teacher, pause
) -> None:
    straight = train(Blocks(), data, task, recipe, device="cpu", teacher=teacher)
    left, states = pause, []

    def stop(state_now) -> None:
        nonlocal left
        left -= 1
        if not left:
            states.append(copy.deepcopy(state_now()))
            raise StopError

    with suppress(StopError):
        train(Blocks(), data, task, recipe, device="cpu", teacher=teacher, on_pause=stop)
    resumed = train(
        Blocks(seed=9), data, task, recipe, device="cpu", teacher=teacher, state=states[0]
    )
    assert same(resumed.model, straight.model)
    assert same(resumed.average, straight.average)
    assert same(resumed.optimizer["state"], straight.optimizer["state"])
    assert resumed.loss_sum == straight.loss_sum


def test_every_model_sees_the_same_images_whatever_it_draws_itself(
    data, task, recipe, teacher
) -> None:
    models = [Blocks(), Blocks(seed=3, dropout=0.0), Blocks()]
    seeds = (0, 0, 1)
    for model, seed in zip(models, seeds, strict=True):
        torch.rand(7 + seed)  # nor do draws before the run matter
        train(model, data, task, replace(recipe, seed=seed), device="cpu", teacher=teacher)
    first, second, other = (model.seen for model in models)
    assert len(first) == 2 * 4 * 2  # epochs, batches, parts
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_the_average_is_scored_and_kept(data, task, recipe, teacher) -> None:
    told = []
    state = train(
        Blocks(), data, task, recipe, device="cpu", teacher=teacher,
        on_epoch=lambda progress, scores, state: told.append(scores),
    )  # fmt: skip
    model = Blocks()
    model.load_state_dict(state.scored)
    assert state.scored is state.average
    assert not same(state.average, state.model)
    again = evaluate(model, data, task, recipe, device="cpu")
    assert again.values == told[-1].values


def test_labels_train_the_first_head_and_the_teacher_the_second(
    data, task, recipe, teacher
) -> None:
    for share, still in ((0.0, "head_dist"), (1.0, "head")):
        model = Blocks()
        before = copy.deepcopy(getattr(model, still).state_dict())
        settings = replace(recipe, distillation_weight=share, weight_decay=0.0, epochs=1)
        train(model, data, task, settings, device="cpu", teacher=teacher)
        assert same(getattr(model, still).state_dict(), before)


def test_parts_change_no_more_than_rounding(data, task, recipe) -> None:
    plain = replace(recipe, distillation="none", teacher="", drop_path=0.0, epochs=1)
    states = [
        train(Blocks(dropout=0.0), data, task, replace(plain, accumulate=parts), device="cpu").model
        for parts in (1, 3)
    ]
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value, rtol=0, atol=1e-4)


def test_a_loss_that_is_no_number_is_told_even_where_it_is_read_seldom(monkeypatch) -> None:
    losses = Losses(torch.device("cpu"))
    monkeypatch.setattr(losses, "_every", 3)  # as on a GPU
    for loss in (1.0, float("nan")):
        losses.add(torch.tensor(loss), 2, 1, 0.1)
    assert losses.newest == 1.0
    with pytest.raises(UserError, match=r"diverged at epoch 1 \(loss nan, learning rate 1.0e-01"):
        losses.total()

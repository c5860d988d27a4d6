import copy
import random
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from attnbench.errors import UserError
from attnbench.records import Scores
from attnbench.tasks.base import Task
from attnbench.training.checkpoint import Checkpoint, TrainState, load, save
from attnbench.training.loop import train
from attnbench.training.recipe import recipe_for


@pytest.fixture
def recipe(data):
    return recipe_for(data, epochs=4, batch_size=8, crop_padding=2)


def checkpoint_of(data, recipe, state: TrainState, scores: Scores | None) -> Checkpoint:
    return Checkpoint(
        model="tiny", attention="", options={}, num_classes=7, img_size=(9, 9),
        class_names=data.class_names, data=data.name, recipe=recipe, state=state,
        scores=scores,
    )  # fmt: skip


class Watched(nn.Module):
    """Keeps what it is shown in training."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.seen: list[Tensor] = []
        self.head = nn.Linear(3 * 81, 7)

    def forward(self, images: Tensor) -> Tensor:
        if self.training:
            self.seen.append(images.clone())
        return self.head(images.flatten(1))


class StopError(Exception):
    pass


class Draws(nn.Module):
    """Draws from every generator of the process in training."""

    def forward(self, values: Tensor) -> Tensor:
        if not self.training:
            return values
        return values + random.random() + np.random.rand() + torch.rand(())


def finished(train, make_model, data, recipe, task, path, stops) -> tuple[Any, list[Any]]:
    """The state at the end, and each epoch, of a run that is stopped at some of its pauses."""
    told, state, pauses = {}, None, 0

    def pause(state_now) -> None:
        nonlocal pauses
        pauses += 1
        if pauses in stops:
            save(path, checkpoint_of(data, recipe, state_now(), None))
            raise StopError

    def epoch(progress, scores, state) -> None:
        told[progress.epoch] = (progress.train_loss, scores.values)

    for seed in range(len(stops) + 1):
        with suppress(StopError):
            model = nn.Sequential(*make_model(seed=seed if state else 0), Draws())
            end = train(
                model, data, task, recipe, device="cpu", state=state, on_pause=pause, on_epoch=epoch
            )
            return end, told
        state = load(path).state
    raise AssertionError("stopped more often than asked")


def test_stopping_anywhere_and_going_on_changes_no_bit(
    data, task, make_model, recipe, tmp_path
) -> None:
    recipe = replace(recipe, epochs=3, flip=True)
    first, second, between = 2, 7 + 3 + 4, 7 + 2  # in the first epoch, in the second, evaluating
    stops = {first, between, second}
    given = (train, make_model, data, recipe, task, tmp_path / "last.pt")
    straight, told = finished(*given, stops=())
    resumed, told_too = finished(*given, stops=stops)
    assert told == told_too
    assert resumed.epochs == straight.epochs == 3
    for name, value in straight.model.items():
        assert torch.equal(resumed.model[name], value), name
    for row, moments in straight.optimizer["state"].items():
        for name, value in moments.items():
            assert torch.equal(resumed.optimizer["state"][row][name], value), name


def stopped(data, task, model, recipe, pause: int) -> TrainState:
    """The state of a run at a pause."""
    left, states = pause, []

    def stop(state_now) -> None:
        nonlocal left
        left -= 1
        if not left:
            states.append(copy.deepcopy(state_now()))
            raise StopError

    with suppress(StopError):
        train(model, data, task, recipe, device="cpu", on_pause=stop)
    return states[0]


def test_a_state_says_how_far_the_run_has_come(data, task, make_model, recipe) -> None:
    for pause, epochs, step in ((1, 0, 1), (8, 0, 7), (11, 1, 1)):  # 7 steps and 3 batches held out
        state = stopped(data, task, make_model(), recipe, pause)
        assert (state.epochs, state.step, state.images) == (epochs, step, 53)


def test_the_middle_of_an_epoch_needs_its_images_and_its_random_numbers(
    data, task, make_model, recipe
) -> None:
    state = stopped(data, task, make_model(), recipe, 3)
    fewer = replace(data, train=data.val)
    with pytest.raises(UserError, match="middle of an epoch of 53 images, and the data set has 21"):
        train(make_model(), fewer, task, recipe, device="cpu", state=state)
    for spoilt in ({"model": torch.zeros(3)}, {**state.generators, "augmentation": torch.ones(2)}):
        with pytest.raises(UserError, match="random numbers cannot be restored"):
            train(
                make_model(), data, task, recipe, device="cpu",
                state=replace(state, generators=spoilt),
            )  # fmt: skip


def test_every_model_sees_the_same_batches_under_one_seed(data, task, recipe) -> None:
    first, again, other = Watched(0), Watched(1), Watched(0)
    for model, seed in ((first, 0), (again, 0), (other, 1)):
        train(model, data, task, replace(recipe, seed=seed), device="cpu")
    assert len(first.seen) == 4 * 7
    assert all(torch.equal(a, b) for a, b in zip(first.seen, again.seen, strict=True))
    assert not torch.equal(first.seen[0], other.seen[0])


def test_epochs_differ_in_order(data, task, recipe) -> None:
    model = Watched(0)
    train(model, data, task, recipe, device="cpu")
    assert not torch.equal(model.seen[0], model.seen[7])


def test_learns_what_there_is_to_learn(data, task, make_model, recipe) -> None:
    top1s: list[float] = []
    train(
        make_model(),
        data,
        task,
        replace(recipe, epochs=40, lr=0.01),
        device="cpu",
        on_epoch=lambda _, scores, __: top1s.append(scores.values["top1"]),
    )
    assert top1s[-1] > 0.8


def test_reports_steps_and_epochs(data, task, make_model, recipe) -> None:
    steps, epochs = [], []
    train(
        make_model(),
        data,
        task,
        recipe,
        device="cpu",
        on_step=lambda step: steps.append((step.done, step.total)),
        on_epoch=lambda progress, scores, state: epochs.append((progress, scores, state)),
    )
    assert steps == [(step, 28) for step in range(1, 29)]
    assert [progress.epoch for progress, _, _ in epochs] == [1, 2, 3, 4]
    assert [state.epochs for _, _, state in epochs] == [1, 2, 3, 4]
    seconds = [progress.train_s for progress, _, _ in epochs]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0
    assert all(progress.images == 53 for progress, _, _ in epochs)
    assert all(scores.count == 21 for _, scores, _ in epochs)


def test_train_loss_is_the_mean_over_images(data, task, make_model, recipe) -> None:
    losses: list[float] = []
    means: list[float] = []
    train(
        make_model(),
        data,
        task,
        replace(recipe, epochs=1),
        device="cpu",
        on_step=lambda step: losses.append(step.loss),
        on_epoch=lambda progress, *_: means.append(progress.train_loss),
    )
    sizes = [8, 8, 8, 8, 8, 8, 5]
    expected = sum(loss * size for loss, size in zip(losses, sizes, strict=True)) / 53
    assert means == pytest.approx([expected])


def test_a_finished_run_is_not_run_again(data, task, make_model, recipe) -> None:
    done = train(make_model(), data, task, recipe, device="cpu")
    before = {name: value.clone() for name, value in done.model.items()}
    again = train(make_model(seed=3), data, task, recipe, device="cpu", state=done)
    assert (again.epochs, again.train_s) == (4, done.train_s)
    assert all(torch.equal(again.model[name], value) for name, value in before.items())


def test_state_of_another_model_is_refused(data, task, make_model, recipe) -> None:
    state = train(make_model(), data, task, replace(recipe, epochs=1), device="cpu")
    with pytest.raises(UserError, match="another model"):
        train(make_model(width=5), data, task, recipe, device="cpu", state=state)


def test_divergence_says_where_and_what_to_do(data, task, recipe) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 81, 7))
    nn.init.constant_(model[1].weight, torch.inf)
    with pytest.raises(UserError, match=r"diverged at epoch 1 .*learning rate .*: lower --lr"):
        train(model, data, task, recipe, device="cpu")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("autocast", ["none", "bfloat16"])
def test_trains_and_resumes_on_a_gpu(data, task, make_model, recipe, autocast, tmp_path) -> None:
    recipe, path = replace(recipe, autocast=autocast), tmp_path / "last.pt"
    train(
        make_model(),
        data,
        task,
        recipe,
        device="cuda",
        on_epoch=lambda _, scores, state: save(
            path, checkpoint_of(data, recipe, replace(state, epochs=2), scores)
        ),
    )
    resumed = train(make_model(), data, task, recipe, device="cuda", state=load(path).state)
    assert resumed.epochs == 4
    assert all(value.is_cuda for value in resumed.model.values())


class Darkness(Task):
    """A task that is no classification: targets are a mapping, outputs are pairs."""

    name = "darkness"

    def head(self, feature_info, num_classes):
        raise NotImplementedError

    def loss(self, model, outputs, targets, recipe):
        return (outputs[0] - targets["darkness"]).abs().mean()

    def metric(self, class_names):
        return MeanError()

    def transforms(self, recipe, *, train):
        def transform(images, targets, generator):
            inputs = images.float() / 255
            return inputs, {"darkness": 1 - inputs.mean((1, 2, 3)), "classes": targets}

        return transform


class MeanError:
    def __init__(self) -> None:
        self.errors: list[float] = []

    def update(self, outputs, targets) -> None:
        self.errors += (outputs[0] - targets["darkness"]).abs().tolist()

    def merge(self, other) -> None:
        self.errors += other.errors

    def compute(self) -> dict[str, float]:
        return {"error": sum(self.errors) / len(self.errors)}


class Guess(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.guess = nn.Parameter(torch.zeros(1))

    def forward(self, images: Tensor) -> tuple[Tensor, str]:
        return self.guess.expand(len(images)), "unused"


def test_targets_and_outputs_are_the_tasks_own(data, recipe) -> None:
    scores: list[Scores] = []
    train(
        Guess(),
        data,
        Darkness(),
        replace(recipe, epochs=20, lr=0.01),
        device="cpu",
        on_epoch=lambda _, measured, __: scores.append(measured),
    )
    assert {one.task for one in scores} == {"darkness"}
    assert scores[-1].values["error"] < scores[0].values["error"] / 2


def with_batch_norm() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 81, 5), nn.BatchNorm1d(5), nn.Linear(5, 7))


@pytest.mark.parametrize("batch_size", [2, 4, 13, 52, 53])
def test_batch_norm_trains_whatever_is_left_over(data, task, recipe, batch_size) -> None:
    steps: list[tuple[int, int]] = []
    train(
        with_batch_norm(),
        data,  # 53 images: 1 is left over in batches of 2, 4, 13 and 52
        task,
        replace(recipe, epochs=1, batch_size=batch_size),
        device="cpu",
        on_step=lambda step: steps.append((step.done, step.total)),
    )
    assert steps[-1] == (len(steps), len(steps))


def test_batch_norm_and_single_images_are_refused_at_once(data, task, recipe) -> None:
    steps: list[int] = []
    with pytest.raises(UserError, match=r"BatchNorm, got 1: give --batch-size 2 or more"):
        train(
            with_batch_norm(),
            data,
            task,
            replace(recipe, batch_size=1),
            device="cpu",
            on_step=lambda done, total, loss: steps.append(done),
        )
    assert steps == []


def test_other_errors_of_a_model_are_its_own(data, task, recipe) -> None:
    with pytest.raises(RuntimeError, match="shapes"):
        train(nn.Sequential(nn.Flatten(), nn.Linear(1, 7)), data, task, recipe, device="cpu")

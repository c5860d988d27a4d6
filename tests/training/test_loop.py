from dataclasses import replace

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


def checkpoint_of(data, recipe, state: TrainState, scores: Scores) -> Checkpoint:
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


def test_stopping_and_going_on_changes_no_bit(data, task, make_model, recipe, tmp_path) -> None:
    path, losses = tmp_path / "last.pt", []

    def keep_second(progress, scores, state) -> None:
        losses.append(progress.train_loss)
        if progress.epoch == 2:
            save(path, checkpoint_of(data, recipe, state, scores))

    straight = train(make_model(), data, task, recipe, device="cpu", on_epoch=keep_second)
    resumed_losses: list[float] = []
    resumed = train(
        make_model(seed=99),
        data,
        task,
        recipe,
        device="cpu",
        state=load(path).state,
        on_epoch=lambda progress, *_: resumed_losses.append(progress.train_loss),
    )
    assert resumed_losses == losses[2:]
    assert resumed.epochs == straight.epochs == 4
    for name, value in straight.model.items():
        assert torch.equal(resumed.model[name], value), name
    for row, moments in straight.optimizer["state"].items():
        for name, value in moments.items():
            assert torch.equal(resumed.optimizer["state"][row][name], value), name


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
        on_step=lambda done, total, loss: steps.append((done, total)),
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
        on_step=lambda done, total, loss: losses.append(loss),
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


def test_bfloat16_on_the_cpu_is_refused_before_training(data, task, make_model, recipe) -> None:
    with pytest.raises(UserError, match="CUDA"):
        train(make_model(), data, task, replace(recipe, autocast="bfloat16"), device="cpu")


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

    def loss(self, outputs, targets, recipe):
        return (outputs[0] - targets["darkness"]).abs().mean()

    def metric(self):
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
        on_step=lambda done, total, loss: steps.append((done, total)),
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

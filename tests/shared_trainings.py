"""Small trainings of every task, which one process does alone, or several together."""

import copy
import os
import signal
from contextlib import contextmanager, suppress
from dataclasses import replace

import torch
from torch import nn

from attnbench import together
from attnbench.data.images import ImageData, ImagesInMemory
from attnbench.data.labelled_images import LabelledInMemory
from attnbench.data.targets import IGNORE, LabelMap, Objects
from attnbench.models.backbone import Backbone, FeatureInfo
from attnbench.tasks.detection.picodet.model import PicoDet
from attnbench.tasks.factory import create_task
from attnbench.tasks.segmentation.models import HEADS
from attnbench.tasks.segmentation.segmenter import Segmenter
from attnbench.training import loop
from attnbench.training.checkpoint import load
from attnbench.training.evaluate import evaluate
from attnbench.training.loop import train
from attnbench.training.recipe import recipe_for
from attnbench.training.step import Stepper

CLASSES = tuple("abcde")
SIDES = {"classification": 9, "detection": 96, "segmentation": 32}
EVERYTHING = {
    "batch_size": 15, "crop_scale": (0.3, 1.0), "rand_augment": "rand-m9-mstd0.5-inc1",
    "mixup": 0.8, "cutmix": 1.0, "erasing": 0.3, "repeats": 2, "ema_decay": 0.9, "accumulate": 2,
    "distillation": "hard", "teacher": "timm:resnet18",
}  # fmt: skip
"""All that is drawn for images or changes the loss, but no dropout: processes draw other numbers
for it."""


class Block(nn.Module):
    """What is sharded by itself."""

    def __init__(self):
        super().__init__()
        self.attn, self.mlp = nn.Linear(54, 7), nn.Linear(7, 54)

    def forward(self, hidden):
        return hidden + self.mlp(self.attn(hidden).tanh())


class Net(nn.Module):
    """BatchNorm, dropout, a block, a parameter that is not used, and DeiT's two heads."""

    def __init__(self, dropout=0.0):
        super().__init__()
        self.embed = nn.Conv2d(3, 6, 3, stride=3, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.dropout, self.block = nn.Dropout(dropout), Block()
        self.idle = nn.Linear(2, 2)
        self.head, self.head_dist = nn.Linear(54, 5), nn.Linear(54, 5)
        self.seen = []

    def forward(self, images):
        if self.training:
            self.seen.append(images.clone())
        hidden = self.block(self.dropout(self.norm(self.embed(images)).relu().flatten(1)))
        return (self.head(hidden) + self.head_dist(hidden)) / 2


class Trunk(Backbone):
    """Three maps, made one from the other."""

    def __init__(self, strides):
        super().__init__()
        channels = [3, 8, 8, 8]
        steps = [strides[0], 2, 2]
        self.feature_info = [FeatureInfo(channels=8, stride=stride) for stride in strides]
        self.convs = nn.ModuleList(
            nn.Conv2d(before, after, step + 1, step, step // 2)
            for before, after, step in zip(channels, channels[1:], steps, strict=False)
        )

    def features(self, images):
        maps = [self.convs[0](images)]
        for conv in self.convs[1:]:
            maps.append(conv(maps[-1].tanh()))
        return maps


def model_for(task, dropout=0.0):
    torch.manual_seed(0)
    if task == "classification":
        return Net(dropout)
    if task == "detection":
        return PicoDet(Trunk((8, 16, 32)), len(CLASSES), neck_dim=8, depth=1)
    trunk = Trunk((4, 8, 16))
    build, _ = HEADS["semantic-fpn"]
    model = Segmenter(trunk, build(trunk.feature_info, len(CLASSES), 4))
    model.head.dropout = nn.Identity()
    return model


def data_for(task):
    sets = [_images(task, count, seed) for count, seed in ((22, 1), (21, 2))]
    side = SIDES[task]
    return ImageData(
        name="noise", train=sets[0], val=sets[1], class_names=CLASSES, img_size=(side, side),
        photographs=True, task=task,
    )  # fmt: skip


def _images(task, count, seed):
    draw = torch.Generator().manual_seed(seed)
    side = SIDES[task]
    images = torch.randint(256, (count, 3, side, side), dtype=torch.uint8, generator=draw)
    if task == "classification":
        return ImagesInMemory(images, torch.randint(len(CLASSES), (count,), generator=draw))
    make = _objects if task == "detection" else _labels
    return LabelledInMemory(images, [make(number, draw) for number in range(count)])


def _objects(number, draw):
    count = number % 4  # every fourth picture has none
    corners = 40 * torch.rand(count, 2, generator=draw)
    boxes = torch.cat([corners, corners + 8 + 16 * torch.rand(count, 2, generator=draw)], dim=1)
    return Objects(
        picture=f"{number}.jpg", size=(64, 64), boxes=boxes,
        labels=torch.randint(len(CLASSES), (count,), generator=draw),
        crowd=torch.zeros(count, dtype=torch.bool),
        areas=(boxes[:, 2:] - boxes[:, :2]).prod(1),
    )  # fmt: skip


def _labels(number, draw):
    labels = torch.randint(len(CLASSES), (32, 32), dtype=torch.uint8, generator=draw)
    labels[: number % 7 * 4] = IGNORE  # the number of labelled pixels differs
    return LabelMap(picture=f"{number}.png", labels=labels)


class StopError(Exception):
    """Raised where a training is to stop."""


def trained(task, settings, dropout=0.0, stop_after=None, state=None, sharded=False):
    """Loss of each step, scores of each epoch, and the state at the end, or where it stopped."""
    import attnbench.data.augmented

    attnbench.data.augmented.MOST_WORKERS = 0
    data = data_for(task)
    recipe = recipe_for(data, **{"epochs": 2, "batch_size": 8, **settings})
    model, curve, scores, states = model_for(task, dropout), [], [], []
    teacher = None
    if recipe.teacher:
        torch.manual_seed(5)
        teacher = nn.Sequential(nn.Flatten(), nn.Linear(243, 5)).eval()

    def pause(state_now):
        if len(curve) == stop_after:
            states.append(copy.deepcopy(state_now()))
            raise StopError

    with suppress(StopError):
        end = train(
            model, data, create_task(task), recipe, device="cpu", teacher=teacher, state=state,
            sharded=sharded, on_step=lambda step: curve.append(step.loss), on_pause=pause,
            on_epoch=lambda progress, got, state: scores.append((progress.train_loss, got.values)),
        )  # fmt: skip
        states.append(end)
    seen = [one.numpy() for one in getattr(model, "seen", [])]
    return curve, scores, replace(states[0], train_s=0.0), seen


def evaluated(task):
    """Scores of an untrained model, and what it did on each image."""
    data = data_for(task)
    recipe = recipe_for(data, batch_size=4)
    kept = []
    scores = evaluate(
        model_for(task), data, create_task(task), recipe, device="cpu", intervals=True,
        on_metric=lambda metric: kept.append(metric.outcomes()),
    )  # fmt: skip
    return replace(scores, forward_s=1.0, predict_s=0.0), kept


@contextmanager
def model_by_name():
    """The network under the name "shared"; what it costs is not measured."""
    from attnbench.benchmark.runner import open_record
    from attnbench.experiments import judge, run
    from attnbench.registry import MODELS, register_model
    from attnbench.spec import Protocol

    def measured(model, workload, device):
        return open_record(workload, Protocol(), device)

    before = run.trained_cost
    register_model("shared", family="mine")(_built)
    run.trained_cost = judge.trained_cost = measured
    try:
        yield
    finally:
        run.trained_cost = judge.trained_cost = before
        del MODELS._entries["shared"]


def ran(folder, resume=False, stop_at=None, stop_rank=0):
    """Carry out a run; a process sends itself a signal after a step. What it scores, or its end."""
    from attnbench.errors import Stopped
    from attnbench.experiments.experiment import Experiment
    from attnbench.experiments.run import run

    class Stopping(Stepper):
        def step(self, number, *given):
            super().step(number, *given)
            if number == stop_at and together.rank() == stop_rank:
                os.kill(os.getpid(), signal.SIGUSR1)

    data, records, loop.Stepper = data_for("classification"), [], Stopping
    with model_by_name():
        experiment = Experiment(
            model="shared", data=data, recipe=recipe_for(data, epochs=2, batch_size=8),
            folder=folder / "checkpoints",
        )  # fmt: skip
        try:
            record = run(experiment, resume=resume, logs=["csv"], on_record=records.append)
        except Stopped as stop:
            return str(stop), stop.signal
        finally:
            loop.Stepper = Stepper
    return record.run, record.scores.values, len(records)


def judged(path, folder):
    """The scores of a checkpoint in small batches, with the file of its outcomes."""
    from attnbench.experiments.judge import judge

    data = data_for("classification")
    with model_by_name():
        record = judge(load(path), data, run_name="it", batch_size=4, outcomes=folder)
    return record.scores.values, record.scores.outcomes


def _built(num_classes, img_size):
    return Net()

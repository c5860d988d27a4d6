"""A small model by name, and costs that are measured quickly or not at all."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from attnbench.benchmark.runner import open_record
from attnbench.data.images import ImageData, ImagesInMemory
from attnbench.experiments.experiment import Experiment
from attnbench.models.pyramid import Pyramid
from attnbench.profiling.memory.high_water import unknown
from attnbench.registry import MODELS, register_model
from attnbench.spec import Protocol
from attnbench.training.recipe import recipe_for

SIZE = 16


@pytest.fixture(autouse=True)
def quick_costs(monkeypatch):
    quick = Protocol(warmup_s=0, min_samples=6, precision=10, time_budget_s=0.1)
    monkeypatch.setattr("attnbench.experiments.cost.COST_PROTOCOL", quick)
    monkeypatch.setattr(
        "attnbench.experiments.cost.measure_resident", lambda *_, **__: unknown("not asked here")
    )


@pytest.fixture
def costs(monkeypatch) -> list[nn.Module]:
    """Costs are not measured; holds the modules that would have been."""
    modules = []

    def unmeasured(model, workload, device):
        modules.append(model)
        return open_record(workload, Protocol(), device)

    for user in ("run", "judge"):
        monkeypatch.setattr(f"attnbench.experiments.{user}.trained_cost", unmeasured)
    return modules


@pytest.fixture
def register():
    """Registers models for the time of a test."""
    names = []

    def add(name, target, family="mine"):
        names.append(name)
        register_model(name, family=family)(target)
        return name

    yield add
    for name in names:
        del MODELS._entries[name]


def small_pyramid(num_classes, img_size, *, attention="dense", attention_options=None):
    return Pyramid(
        num_classes, img_size, attention=attention, attention_options=attention_options,
        dims=(8, 8, 16, 16), depths=(1, 1, 1, 1), head_width=8, stem_stride=2,
    )  # fmt: skip


@pytest.fixture
def tiny(register) -> str:
    """Name of a trunk that trains in a second."""
    return register("tiny", small_pyramid)


def random_set(count: int, seed: int) -> ImagesInMemory:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(3, (count,), generator=generator)
    shape = (count, 3, SIZE, SIZE)
    images = torch.randint(128, shape, dtype=torch.uint8, generator=generator)
    return ImagesInMemory(images + (labels * 60).to(torch.uint8)[:, None, None, None], labels)


@pytest.fixture
def data() -> ImageData:
    return ImageData(
        name="noise",
        train=random_set(20, seed=1),
        val=random_set(10, seed=2),
        class_names=("a", "b", "c"),
        img_size=(SIZE, SIZE),
        photographs=True,
    )


@pytest.fixture
def experiment(tiny, data, tmp_path) -> Callable[..., Experiment]:
    def make(*, epochs: int = 2, **fields) -> Experiment:
        given = {"model": tiny, "data": data, "folder": tmp_path, **fields}
        return Experiment(recipe=recipe_for(data, epochs=epochs, batch_size=8), **given)

    return make

"""The contract of tasks, for every registered task."""

import subprocess
import sys

import pytest
import torch
from box_pictures import objects

from attnbench.data.targets import LabelMap
from attnbench.errors import UserError
from attnbench.models.backbone import FeatureInfo
from attnbench.registry import TASKS, Entry, Registry
from attnbench.spec import Recipe
from attnbench.tasks import TASKS as ROWS
from attnbench.tasks import factory
from attnbench.tasks.factory import create_task
from attnbench.units import METRICS, PRIMARY_SCORE

RECIPE = Recipe(data="noise", img_size=(8, 8), epochs=1)
MAPS = [FeatureInfo(channels=4, stride=4), FeatureInfo(channels=6, stride=8)]
CLASSES = ("ant", "bee", "cat")
TARGETS = {
    "classification": torch.tensor([0, 2]),
    "detection": [objects([[1, 2, 5, 7]], [1], name=str(i), size=(8, 8)) for i in range(2)],
    "segmentation": [
        LabelMap(picture=str(i), labels=torch.randint(3, (8, 8), dtype=torch.uint8))
        for i in range(2)
    ],
}
NAMES = [row.name for row in ROWS]


@pytest.fixture(params=NAMES)
def task(request):
    return create_task(request.param)


@pytest.fixture
def model(task):
    return task.head(MAPS, len(CLASSES))


@pytest.fixture
def outputs(model):
    return model([torch.randn(2, 4, 4, 4), torch.randn(2, 6, 2, 2)])


@pytest.fixture
def predicted(task, model, outputs):
    """Predictions and targets, as a metric takes them."""
    targets = TARGETS[task.name]
    return task.predict(model, outputs, targets), targets


def test_loss_is_a_scalar_that_gradients_flow_back_from(task, model, outputs):
    loss = task.loss(model, outputs, TARGETS[task.name], RECIPE)
    assert loss.shape == ()
    loss.backward()


def test_every_score_has_a_unit_and_one_ranks(task, predicted):
    metric = task.metric(CLASSES)
    metric.update(*predicted)
    assert metric.compute().keys() <= METRICS.keys()
    assert task.primary_score == PRIMARY_SCORE[task.name]
    assert task.primary_score in metric.compute()


def test_two_accumulators_merge_into_what_one_would_hold(task, predicted):
    whole, first, second = (task.metric(CLASSES) for _ in range(3))
    for metrics in ((whole, first), (whole, second)):
        for metric in metrics:
            metric.update(*predicted)
    first.merge(second)
    assert first.compute() == whole.compute()


@pytest.mark.parametrize("train", [True, False])
def test_transforms_normalise_and_draw_from_the_generator_alone(task, train):
    images = torch.randint(256, (2, 3, 8, 8), dtype=torch.uint8)
    before, state = images.clone(), torch.get_rng_state()
    transform = task.transforms(RECIPE, train=train)
    first, again = (
        transform(images, TARGETS[task.name], torch.Generator().manual_seed(5)) for _ in range(2)
    )
    assert torch.equal(first[0], again[0])
    assert first[0].dtype == torch.float32
    assert first[0].shape == images.shape
    assert torch.equal(images, before)
    assert torch.equal(torch.get_rng_state(), state)


def test_an_unknown_task_is_answered_with_the_nearest():
    with pytest.raises(UserError, match=r"did you mean classification\?.*list tasks"):
        create_task("clasification")


def test_a_row_that_is_no_task_is_refused(monkeypatch):
    other = Registry("task", table="attnbench.tasks:TASKS")
    other.register(Entry(kind="task", name="strange", target="math:sqrt", family="image"))
    monkeypatch.setattr(factory, "TASKS", other)
    with pytest.raises(UserError, match="'strange' must be a subclass"):
        create_task("strange")


def test_the_table_loads_no_torch():
    program = (
        "import sys; from attnbench.registry import TASKS; TASKS.names()\n"
        "assert 'torch' not in sys.modules, 'torch was imported'"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    assert list(TASKS.names())[: len(NAMES)] == NAMES

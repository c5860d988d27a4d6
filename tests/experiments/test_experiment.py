from dataclasses import replace

import pytest
from torch import nn

from attnbench.errors import UserError


def test_a_model_that_cannot_be_built_is_refused_at_birth(experiment):
    for options, message in (
        ({"attention": "densee"}, "did you mean dense"),
        ({"colour": "red"}, "no option colour"),
        ({"attention_options": {"rank": 3}}, "no option rank"),
    ):
        with pytest.raises(UserError, match=message):
            experiment(options=options)


def test_the_workload_names_task_classes_and_size(experiment):
    workload = experiment(options={"attention": "window"}).workload
    assert (workload.model, workload.attention, workload.task) == (
        "tiny", "window", "classification",
    )  # fmt: skip
    assert (workload.num_classes, workload.img_size, workload.batch) == (3, (16, 16), 1)


def test_the_name_is_readable_and_differs_where_anything_differs(experiment):
    first = experiment()
    others = [
        experiment(options={"attention": "window"}),
        experiment(epochs=3),
        replace(first, recipe=replace(first.recipe, seed=1)),
        replace(first, recipe=replace(first.recipe, lr=0.5)),
    ]
    assert first.name.startswith("tiny-noise-seed0-")
    assert others[0].name.startswith("tiny-window-noise-seed0-")
    assert len({one.name for one in [first, *others]}) == 5
    assert experiment().name == first.name


def test_any_model_by_name_that_takes_classes_and_size(experiment, register):
    def flat(num_classes, img_size, **options):
        side = img_size if isinstance(img_size, int) else img_size[0]
        return nn.Sequential(nn.Flatten(), nn.Linear(3 * side**2, num_classes), *options.values())

    made = experiment(model=register("flat", flat), options={"last": nn.Identity()})
    assert made.workload.attention == ""


def test_a_model_of_timm_by_name(experiment):
    assert experiment(model="timm:test_resnet").name.startswith("timm-test_resnet-noise")

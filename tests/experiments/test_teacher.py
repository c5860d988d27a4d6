from dataclasses import replace

import pytest
import timm
import torch
from torch import nn

from attnbench.data.augment import MEAN, STD
from attnbench.errors import UserError
from attnbench.experiments.run import run
from attnbench.experiments.teacher import identified, teacher_for
from attnbench.training.checkpoint import load, save

CPU = torch.device("cpu")


@pytest.fixture
def taught(experiment, costs, tmp_path):
    """A checkpoint, the data that it was trained on, and a recipe with it as the teacher."""
    made = experiment(epochs=1)
    run(made)
    path = tmp_path / made.name / "last.pt"
    recipe = replace(made.recipe, teacher=identified(str(path)), distillation="soft")
    return path, made.data, recipe


def test_a_teacher_is_its_file_and_a_hash(taught):
    path, _, recipe = taught
    assert recipe.teacher.startswith(f"{path}#")
    assert identified(recipe.teacher) == recipe.teacher
    assert identified("timm:resnet18") == "timm:resnet18"
    with pytest.raises(UserError, match="another file than in that run .* not 123456789012"):
        identified(f"{path}#123456789012")
    with pytest.raises(UserError, match="cannot read nowhere"):
        identified("nowhere.pt")


def test_it_answers_in_the_order_of_the_students_classes(taught):
    _, data, recipe = taught
    images = torch.randn(2, 3, *data.img_size)
    own = teacher_for(recipe, data, CPU)
    assert not own.training
    assert not any(parameter.requires_grad for parameter in own.parameters())
    mixed = replace(data, class_names=data.class_names[::-1])
    assert torch.equal(teacher_for(recipe, mixed, CPU)(images), own(images).flip(1))
    assert teacher_for(replace(recipe, teacher="", distillation="none"), data, CPU) is None


def test_a_teacher_of_other_classes_sizes_or_tasks_is_refused(taught):
    path, data, recipe = taught
    for changes, message in (
        ({"class_names": ("a", "b", "x")}, "does not know the classes x"),
        ({"img_size": (32, 32)}, "student sees 32 × 32 px, the teacher was trained on 16 × 16"),
    ):
        with pytest.raises(UserError, match=message):
            teacher_for(recipe, replace(data, **changes), CPU)
    saved = load(path)
    save(path, replace(saved, task="detection"))
    with pytest.raises(UserError, match="expected a model for classification, got one for det"):
        teacher_for(replace(recipe, teacher=str(path)), data, CPU)


def test_a_student_learns_from_a_checkpoint_and_its_record_says_so(taught, experiment):
    _, _, recipe = taught
    record = run(replace(experiment(epochs=1), recipe=recipe))
    assert record.recipe.teacher == recipe.teacher
    assert record.recipe.distillation == "soft"


def test_timms_teachers_see_images_as_they_were_trained(taught, monkeypatch):
    _, data, recipe = taught
    seen = []

    class Watching(nn.Module):
        pretrained_cfg = timm.get_pretrained_cfg("resnet18").to_dict()

        def forward(self, images):
            seen.append(images)
            return images.mean((2, 3))

    monkeypatch.setattr("attnbench.models.from_timm.build.build", lambda *a, **more: Watching())
    pixels = torch.rand(2, 3, 16, 16)
    teacher_for(replace(recipe, teacher="timm:resnet18"), data, CPU)((pixels - MEAN) / STD)
    mean, std = (torch.tensor(Watching.pretrained_cfg[name]) for name in ("mean", "std"))
    expected = (pixels - mean[:, None, None]) / std[:, None, None]
    torch.testing.assert_close(seen[0], expected)


def test_weights_that_cannot_be_had_are_told_in_a_line(taught, monkeypatch):
    _, data, recipe = taught

    def offline(*arguments, **more):
        raise RuntimeError("no network\nmore")

    monkeypatch.setattr("attnbench.models.from_timm.build.build", offline)
    with pytest.raises(UserError, match=r"its weights cannot be had \(no network\); give a check"):
        teacher_for(replace(recipe, teacher="timm:resnet18"), data, CPU)

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from attnbench.errors import UserError
from attnbench.models.vit import VisionTransformer
from attnbench.training.distillation import answers_of, heads_apart, taught, teachers_loss
from attnbench.training.recipe import recipe_for

STUDENT, TEACHER = torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(0))


def recipe_of(data, **settings):
    return recipe_for(data, teacher="timm:resnet18", **{"distillation": "hard", **settings})


def test_hard_and_soft_losses_are_those_of_the_papers(data):
    hard = teachers_loss(STUDENT, TEACHER, recipe_of(data))
    torch.testing.assert_close(hard, F.cross_entropy(STUDENT, TEACHER.argmax(1)))
    soft = teachers_loss(STUDENT, TEACHER, recipe_of(data, distillation="soft", temperature=3.0))
    p, q = (TEACHER / 3).softmax(1), (STUDENT / 3).softmax(1)
    torch.testing.assert_close(soft, 9 * (p * (p / q).log()).sum(1).mean())
    same = teachers_loss(TEACHER, TEACHER, recipe_of(data, distillation="soft"))
    assert abs(same) < 1e-6


def test_the_share_of_the_teacher_is_the_recipes(data):
    own, teachers = torch.tensor(2.0), torch.tensor(4.0)
    for share in (0.0, 0.25, 1.0):
        assert taught(own, teachers, recipe_of(data, distillation_weight=share)) == 2 + 2 * share


@pytest.mark.parametrize("options", [{}, {"class_token": True, "distillation_token": True}])
def test_two_heads_are_told_apart(data, options):
    model = VisionTransformer(5, 16, depth=1, dim=24, **options)
    images = torch.randn(2, 3, 16, 16)
    with heads_apart(model, recipe_of(data)) as heads:
        outputs = model(images)
    assert set(heads) == ({"head", "head_dist"} if options else set())
    if options:
        torch.testing.assert_close((heads["head"] + heads["head_dist"]) / 2, outputs)
    with heads_apart(model, recipe_for(data)) as heads:
        model(images)
    assert not heads
    assert not any(module._forward_hooks for module in model.modules())


def test_teachers_that_answer_otherwise_are_refused(data):
    with pytest.raises(UserError, match=r"--teacher: expected 5 classes"):
        teachers_loss(STUDENT, torch.randn(6, 7), recipe_of(data))
    with pytest.raises(UserError, match="classifies images"):
        answers_of(nn.Identity(), torch.randn(2, 3, 4, 4))
    assert not answers_of(nn.Linear(4, 5), torch.randn(2, 4)).requires_grad
